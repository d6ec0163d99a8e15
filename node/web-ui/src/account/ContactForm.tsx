import { Alert, Button, Group, Modal, Select, Stack, TagsInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconVolume } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import type { Contact, ContactTone } from '../api/types';
import { OWN_TONES, tryTone } from '../calling/ring';
import { useClose } from '../ui/Confirm';
import { tell } from '../ui/notify';
import { fieldErrors, problemText, textOf } from '../ui/text';
import { WhoElsewhere } from './WhoElsewhere';

/** The choice that is none. */
const USUAL = 'usual';

/** Somebody who is not in the address book yet. */
export interface NewContact {
  isNew: true;
  call: string;
  display_name: string;
  /** What people call themselves: they are shown by it, also when it changes, unless they are called otherwise here. */
  goes_by?: string;
}

interface Props {
  editing: Contact | 'new' | NewContact | null;
  groups: string[];
  close: () => void;
}

/** Adds an entry to one's own address book, or changes how one is shown. */
export function ContactForm({ editing, groups, close }: Props) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const found = editing !== null && editing !== 'new' && 'isNew' in editing ? editing : null;
  const old = editing === null || editing === 'new' || 'isNew' in editing ? null : editing;
  const form = useForm({
    initialValues: {
      call: old?.call ?? found?.call ?? '',
      display_name: old?.display_name ?? found?.display_name ?? '',
      contact_groups: old?.contact_groups ?? [],
      tone: old?.tone ?? null,
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
          {editing === 'new' && <WhoElsewhere typed={form.values.call} />}
          <TextInput
            label={t('contacts.name')}
            description={t('contacts.nameHint')}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            maxLength={256}
            placeholder={found?.goes_by}
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
          <Group align="flex-end" gap="xs" wrap="nowrap">
            <Select
              flex={1}
              label={t('contacts.tone')}
              allowDeselect={false}
              data={[
                { value: USUAL, label: t('contacts.tones.usual') },
                ...OWN_TONES.map((value) => ({ value, label: textOf(`contacts.tones.${value}`, value) })),
              ]}
              value={form.values.tone ?? USUAL}
              onChange={(value) =>
                form.setFieldValue('tone', value === USUAL ? null : (value as ContactTone | null))
              }
            />
            <Button
              variant="default"
              leftSection={<IconVolume size={16} aria-hidden />}
              onClick={() => void tryTone(form.values.tone)}
            >
              {t('contacts.tryTone')}
            </Button>
          </Group>
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
