import { Alert, Button, Checkbox, Group, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconTemplate } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import { asProblem, Problem } from '../api/problem';
import { queries } from '../api/queries';
import type { Template } from '../api/types';
import { tell } from '../ui/notify';
import { Sheet } from '../ui/Sheet';
import { EmptyState, ErrorState, Loading } from '../ui/States';
import { problemText, useAdminText } from '../ui/text';
import { useMayChange } from '../ui/useMe';
import { bareErrors } from './ConferenceForm';
import { valuesOf, type ConferenceValues } from './conferenceDraft';
import { SetupFields } from './SetupFields';
import { newTemplateOf, templatePatchOf, templateValues } from './templateDraft';

interface Props {
  /** Without it: a new one. */
  id?: string;
  close: () => void;
}

/** One template, or a new one, beside the list. */
export function TemplateSheet({ id, close }: Props) {
  const { t } = useAdminText();
  if (id) return <Known id={id} close={close} />;
  return (
    <Sheet title={<Text fw={650}>{t('templates.create')}</Text>} close={close}>
      <TemplateForm close={close} />
    </Sheet>
  );
}

function Known({ id, close }: { id: string; close: () => void }) {
  const { t } = useAdminText();
  const found = useQuery(queries.template(id));
  const gone = found.error instanceof Problem && found.error.code === 'not-found';
  return (
    <Sheet
      title={
        <Text fw={650} truncate>
          {found.data?.name ?? ''}
        </Text>
      }
      close={close}
    >
      {gone ? (
        <EmptyState icon={<IconTemplate />} title={t('templates.gone')} text={t('conferences.goneText')} />
      ) : found.data ? (
        <TemplateForm template={found.data} close={close} />
      ) : found.error ? (
        <ErrorState error={found.error} retry={() => void found.refetch()} />
      ) : (
        <Loading rows={8} />
      )}
    </Sheet>
  );
}

/** The form of conferences, without an address, an owner and days. */
function TemplateForm({ template, close }: { template?: Template; close: () => void }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const mayShare = useMayChange();
  const readOnly = template && !template.changeable;
  // As it was when it was opened: who saves on top of somebody else's change is told.
  const [old] = useState(template);
  const [before] = useState(() => (template ? templateValues(template) : valuesOf()));
  const [forAll, setForAll] = useState(template?.for_all ?? false);
  const form = useForm<ConferenceValues>({
    initialValues: before,
    validateInputOnBlur: true,
    validate: {
      name: (value) => (value.trim() ? null : t('conferences.nameMissing')),
      pin: (value) => (/^([0-9]{4,16})?$/.test(value) ? null : t('conferences.pinWrong')),
    },
  });
  const save = useMutation({
    mutationFn: async (values: ConferenceValues) => {
      if (!old) return calls.createTemplate(newTemplateOf(values, forAll));
      const shares = forAll === old.for_all ? {} : { for_all: forAll };
      const patch = { ...templatePatchOf(values, before), ...shares };
      if (Object.keys(patch).length === 0) return old;
      return calls.updateTemplate(old.id, patch, old.revision);
    },
    onSuccess: async (now) => {
      await cache.invalidateQueries({ queryKey: ['conferences'] });
      tell(t('templates.saved', { name: now.name }));
      close();
    },
    onError: (error) => {
      form.setErrors(bareErrors(error));
      if (asProblem(error).code === 'stale') void cache.invalidateQueries({ queryKey: ['conferences'] });
    },
  });
  return (
    <form noValidate onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <fieldset disabled={readOnly} style={{ border: 0, margin: 0, padding: 0, minWidth: 0 }}>
        <Stack>
          {save.error && (
            <Alert color="red" role="alert">
              {problemText(save.error)}
            </Alert>
          )}
          {readOnly && (
            <Text size="sm" c="dimmed">
              {t('templates.readOnly')}
            </Text>
          )}
          <Stack gap="sm">
            <TextInput
              label={t('templates.name')}
              data-autofocus
              maxLength={128}
              {...form.getInputProps('name')}
            />
            <Textarea
              label={t('conferences.description')}
              autosize
              minRows={2}
              maxRows={8}
              maxLength={2000}
              {...form.getInputProps('description')}
            />
            <TextInput label={t('conferences.place')} maxLength={256} {...form.getInputProps('place')} />
            {mayShare && (
              <Checkbox
                label={t('templates.forAllChoice')}
                description={t('templates.forAllHint')}
                checked={forAll}
                onChange={(event) => setForAll(event.currentTarget.checked)}
              />
            )}
          </Stack>
          <SetupFields form={form} template />
          {!readOnly && (
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={close}>
                {t('common:action.cancel')}
              </Button>
              <Button type="submit" loading={save.isPending}>
                {t(old ? 'common:action.save' : 'templates.create')}
              </Button>
            </Group>
          )}
        </Stack>
      </fieldset>
    </form>
  );
}
