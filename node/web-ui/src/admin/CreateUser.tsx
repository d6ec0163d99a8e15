import { Alert, Button, Group, Modal, MultiSelect, Select, Stack, Switch, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { AdminRole } from '../api/types';
import { useClose } from '../ui/Confirm';
import { NewPassword } from '../ui/NewPassword';
import { tell } from '../ui/notify';
import { meets } from '../ui/policy';
import { looksLikeEmail } from '../ui/ProfileFields';
import { fieldErrors, problemText, useAdminText } from '../ui/text';

/** Letters of Latin or Cyrillic, digits, `_`, `-`, `.`; the server has the last word. */
export const USER_ID = /^[A-Za-z\u0400-\u04ff0-9_.-]{1,64}$/;

export function CreateUser({ opened, close }: { opened: boolean; close: () => void }) {
  const { t } = useAdminText();
  return (
    <Modal opened={opened} onClose={close} title={t('users.create')} size="lg" closeButtonProps={useClose()}>
      {opened && <Form close={close} />}
    </Modal>
  );
}

function Form({ close }: { close: () => void }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const groups = useQuery(queries.allGroups());
  const policy = useQuery(queries.passwordPolicy());
  const form = useForm({
    initialValues: {
      id: '',
      display_name: '',
      email: '',
      password: '',
      groups: [] as string[],
      admin: 'none' as AdminRole,
      active: true,
    },
    validateInputOnBlur: ['id', 'email'],
    validate: {
      id: (value) => (value === '' ? t('users.idMissing') : USER_ID.test(value) ? null : t('users.idWrong')),
      email: (value) => (looksLikeEmail(value) ? null : t('common:profile.badEmail')),
      password: (value) => (value === '' || meets(policy.data, value) ? null : t('users.passwordWeak')),
    },
  });
  const create = useMutation({
    mutationFn: ({ password, ...values }: typeof form.values) =>
      calls.createUser(password ? { ...values, password } : values),
    onSuccess: async (user) => {
      await cache.invalidateQueries({ queryKey: ['users'] });
      tell(t('users.created2', { name: user.display_name }));
      await navigate({ to: '/admin/users/$id', params: { id: user.id } });
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  const below = ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[];
  return (
    <form noValidate onSubmit={form.onSubmit((values) => create.mutate(values))}>
      <Stack gap="md">
        {create.error && (
          <Alert color="red" role="alert">
            {problemText(create.error)}
          </Alert>
        )}
        <TextInput
          label={t('users.id')}
          description={t('users.idHint')}
          inputWrapperOrder={below}
          required
          withAsterisk={false}
          data-autofocus
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={64}
          {...form.getInputProps('id')}
        />
        <Group grow align="flex-start" preventGrowOverflow={false}>
          <TextInput
            label={t('common:field.display_name')}
            description={t('users.nameHint')}
            inputWrapperOrder={below}
            miw={200}
            maxLength={256}
            {...form.getInputProps('display_name')}
          />
          <TextInput
            label={t('common:field.email')}
            type="email"
            miw={200}
            {...form.getInputProps('email')}
          />
        </Group>
        <NewPassword
          label={t('users.password')}
          value={form.values.password}
          onChange={(value) => form.setFieldValue('password', value)}
          error={form.errors.password as string | undefined}
        />
        <MultiSelect
          label={t('users.groups')}
          description={t('users.groupsHint')}
          inputWrapperOrder={below}
          searchable
          data={(groups.data ?? [])
            .filter((group) => !group.builtin)
            .map(({ id, name }) => ({ value: id, label: name }))}
          {...form.getInputProps('groups')}
        />
        <Select
          label={t('users.admin')}
          allowDeselect={false}
          data={(['none', 'security', 'full'] as const).map((value) => ({
            value,
            label: t(`adminRole.${value}`),
          }))}
          {...form.getInputProps('admin')}
        />
        <Switch label={t('users.active')} {...form.getInputProps('active', { type: 'checkbox' })} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            {t('common:action.cancel')}
          </Button>
          <Button type="submit" loading={create.isPending}>
            {t('users.createVerb')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
