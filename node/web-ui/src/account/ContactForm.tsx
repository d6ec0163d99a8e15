import { Alert, Button, Group, Modal, Stack, TagsInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import type { Contact } from '../api/types';
import { useClose } from '../ui/Confirm';
import { tell } from '../ui/notify';
import { fieldErrors, problemText } from '../ui/text';

interface Props {
  editing: Contact | 'new' | null;
  groups: string[];
  close: () => void;
}

/** Adds an entry to one's own address book, or changes how one is shown. */
export function ContactForm({ editing, groups, close }: Props) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const old = editing === 'new' ? null : editing;
  const form = useForm({
    initialValues: {
      call: old?.call ?? '',
      display_name: old?.display_name ?? '',
      contact_groups: old?.contact_groups ?? [],
    },
    validate: { call: (value) => (value.trim() ? null : t('contacts.callMissing')) },
  });
  const save = useMutation({
    mutationFn: (values: typeof form.values) => calls.putContact({ ...values, call: values.call.trim() }),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ['contacts'] });
      tell(t('contacts.saved'));
      close();
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <Modal
      opened={editing !== null}
      onClose={close}
      title={t(old ? 'contacts.edit' : 'contacts.add')}
      closeButtonProps={useClose()}
    >
      <form noValidate onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack gap="md">
          {save.error && (
            <Alert color="red" role="alert">
              {problemText(save.error)}
            </Alert>
          )}
          <TextInput
            label={t('contacts.call')}
            description={t('contacts.callHint')}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            readOnly={!!old}
            data-autofocus={!old || undefined}
            autoCapitalize="none"
            spellCheck={false}
            {...form.getInputProps('call')}
          />
          <TextInput
            label={t('contacts.name')}
            description={t('contacts.nameHint')}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            maxLength={256}
            {...form.getInputProps('display_name')}
          />
          <TagsInput
            label={t('contacts.groups')}
            description={t('contacts.groupsHint')}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            data={groups}
            acceptValueOnBlur
            clearable
            clearButtonProps={{ 'aria-label': t('action.clear') }}
            {...form.getInputProps('contact_groups')}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {t('action.cancel')}
            </Button>
            <Button type="submit" loading={save.isPending}>
              {t('action.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
