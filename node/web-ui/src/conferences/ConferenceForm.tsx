import { Alert, Button, Checkbox, Group, Select, Stack, Textarea, TextInput } from '@mantine/core';
import { useForm, type UseFormReturnType } from '@mantine/form';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { calls } from '../api/calls';
import { asProblem } from '../api/problem';
import { queries } from '../api/queries';
import type { Conference, ConferenceDefaults, Template } from '../api/types';
import { tell } from '../ui/notify';
import { fieldErrors, problemText, useAdminText } from '../ui/text';
import { useMayCall, useMe } from '../ui/useMe';
import { CidField } from './CidField';
import { cidFrom, inviting, newOf, patchOf, valuesOf, type ConferenceValues } from './conferenceDraft';
import { SetupFields } from './SetupFields';
import { StartNew, useStartIn } from './StartNew';
import { newTemplateOf, templatePatchOf, valuesFrom } from './templateDraft';

const below = ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[];

export type Form = UseFormReturnType<ConferenceValues>;

interface Props {
  conference?: Conference;
  /** A new one is set up like this template. */
  template?: Template;
  /** Of new ones. */
  usual?: ConferenceDefaults;
  /** Who is invited to a new one from the beginning. */
  invite?: string;
  readOnly?: boolean;
  /** In the personal area: who owns it is not asked. */
  own?: boolean;
  close: () => void;
}

/** Makes a conference, or changes one: what it is called, who is seen, who comes in and how. */
export function ConferenceForm(props: Props) {
  const [made, setMade] = useState<Conference | null>(null);
  return made ? <StartNew conference={made} /> : <Fields {...props} chooseCalls={setMade} />;
}

interface FieldsProps extends Props {
  /** A new one names people whom it may call as it starts. */
  chooseCalls: (made: Conference) => void;
}

function Fields({ conference, template, usual, invite, readOnly, own, close, chooseCalls }: FieldsProps) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const mayKeep = useMayMake();
  // As it was when it was opened: who saves on top of somebody else's change is told.
  const [old] = useState(conference);
  const [before] = useState(() => valuesOf(conference, usual));
  const keeping = useKeeping();
  const me = useMe();
  const mayCall = useMayCall();
  const startIn = useStartIn();
  const form = useForm<ConferenceValues>({
    initialValues: inviting(template ? { ...valuesFrom(template), name: '' } : before, invite),
    validateInputOnBlur: true,
    validate: {
      name: (value) => (value.trim() ? null : t('conferences.nameMissing')),
      cid: (value, { id_by }) => (id_by !== 'own' || value.trim() ? null : t('conferences.cidMissing')),
      pin: (value) => (/^([0-9]{4,16})?$/.test(value) ? null : t('conferences.pinWrong')),
    },
  });
  const save = useMutation({
    mutationFn: async ({ values }: { values: ConferenceValues; starts: boolean }) => {
      await keeping.save(values);
      if (!old) return calls.createConference(newOf(values, before));
      const patch = patchOf(values, before);
      return patch ? calls.updateConference(old.cid, patch, old.revision) : old;
    },
    onSuccess: async (now, { starts }) => {
      await cache.invalidateQueries({ queryKey: ['conferences'] });
      if (!starts) {
        tell(t(old ? 'conferences.saved' : 'conferences.created', { name: now.name }));
        return close();
      }
      const named = [...now.settings.moderators, ...(now.settings.invited ?? [])];
      // Only those of this server can be called by name here.
      if (mayCall && named.some((user) => user !== me.id && !user.includes('@'))) chooseCalls(now);
      else startIn(now.cid, []);
    },
    onError: (error) => {
      form.setErrors(bareErrors(error));
      if (asProblem(error).code === 'stale') void cache.invalidateQueries({ queryKey: ['conferences'] });
    },
  });
  const submit = (starts: boolean) => form.onSubmit((values) => save.mutate({ values, starts }));
  // Whoever else owns it is the one who starts it.
  const mayStart = !old && [me.id, ''].includes(form.values.owner.trim());
  return (
    <form noValidate onSubmit={submit(false)}>
      <fieldset disabled={readOnly} style={{ border: 0, margin: 0, padding: 0, minWidth: 0 }}>
        <Stack>
          {save.error && (
            <Alert color="red" role="alert">
              {problemText(save.error)}
            </Alert>
          )}
          {!old && <FromTemplate form={form} first={template?.id} usual={usual} invite={invite} />}
          <Names form={form} isNew={!old} own={own} />
          <SetupFields form={form} />
          {!readOnly && mayKeep && <Keep keeping={keeping} name={form.values.name} />}
          {!readOnly && (
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={close}>
                {t('common:action.cancel')}
              </Button>
              {mayStart && (
                <Button
                  variant="default"
                  leftSection={<IconPlayerPlay size={16} aria-hidden />}
                  disabled={save.isPending}
                  onClick={() => submit(true)()}
                >
                  {t('conferences.createAndStart')}
                </Button>
              )}
              <Button type="submit" loading={save.isPending}>
                {t(old ? 'common:action.save' : 'conferences.create')}
              </Button>
            </Group>
          )}
        </Stack>
      </fieldset>
    </form>
  );
}

function useMayMake(): boolean {
  const me = useMe();
  return me.rights.includes('create_conferences') || me.admin === 'full';
}

/** The server names fields by where they stand. */
export function bareErrors(error: unknown): Record<string, string> {
  const bare = Object.entries(fieldErrors(error)).map(([field, reason]) => [
    field.replace(/^(settings|schedule)\./, ''),
    reason,
  ]);
  return Object.fromEntries(bare) as Record<string, string>;
}

/** Whether how it is set up is kept as a template too, and under which name. */
function useKeeping() {
  const [name, setName] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  // Kept already, by an attempt to save that failed afterwards.
  const kept = useRef<{ template: Template; values: ConferenceValues } | null>(null);
  const keep = async (values: ConferenceValues) => {
    const { current } = kept;
    if (!current) return calls.createTemplate(newTemplateOf(values));
    const patch = templatePatchOf(values, current.values);
    return patch ? calls.updateTemplate(current.template.id, patch) : current.template;
  };
  return {
    name,
    error,
    setName: (name: string | null) => {
      setName(name);
      setError(null);
    },
    save: async (values: ConferenceValues) => {
      if (name === null) return;
      const named = { ...values, name: name.trim() || values.name };
      try {
        kept.current = { template: await keep(named), values: named };
      } catch (error) {
        setError(problemText(error));
        throw error;
      }
    },
  };
}

function Keep({ keeping, name }: { keeping: ReturnType<typeof useKeeping>; name: string }) {
  const { t } = useAdminText();
  return (
    <Stack gap="sm">
      <Checkbox
        label={t('templates.keep')}
        description={t('templates.keepHint')}
        checked={keeping.name !== null}
        onChange={(event) => keeping.setName(event.currentTarget.checked ? name : null)}
      />
      {keeping.name !== null && (
        <TextInput
          label={t('templates.name')}
          maxLength={128}
          value={keeping.name}
          error={keeping.error}
          onChange={(event) => keeping.setName(event.currentTarget.value)}
        />
      )}
    </Stack>
  );
}

interface FromTemplateProps {
  form: Form;
  first?: string;
  usual?: ConferenceDefaults;
  invite?: string;
}

/** Sets a new conference up like a template; what it is called stays, and who is invited anyway. */
function FromTemplate({ form, first, usual, invite }: FromTemplateProps) {
  const { t } = useAdminText();
  const me = useMe();
  const [chosen, choose] = useState(first ?? null);
  const templates = useQuery(queries.usableTemplates());
  const all = templates.data;
  const take = (id: string | null) => {
    const template = all?.find((one) => one.id === id);
    const { id_by, cid, name, owner } = form.getValues();
    form.setValues({
      ...inviting(template ? valuesFrom(template) : valuesOf(undefined, usual), invite),
      id_by,
      cid,
      name,
      owner,
    });
    choose(template ? template.id : null);
  };
  if (!all?.length) return null;
  const label = (template: Template) =>
    template.owner === me.id
      ? template.name
      : t('templates.of', { name: template.name, owner: template.owner });
  return (
    <Select
      label={t('templates.from')}
      placeholder={t('templates.none')}
      clearable
      searchable
      nothingFoundMessage={t('templates.notFound')}
      data={all.map((template) => ({ value: template.id, label: label(template) }))}
      value={chosen}
      onChange={take}
    />
  );
}

interface NamesProps {
  form: Form;
  isNew: boolean;
  own?: boolean;
}

function Names({ form, isNew, own }: NamesProps) {
  const { t } = useAdminText();
  const [touched, touch] = useState(!isNew);
  return (
    <Stack gap="sm">
      <TextInput
        label={t('conferences.name')}
        data-autofocus
        maxLength={128}
        {...form.getInputProps('name')}
        onChange={(event) => {
          const name = event.currentTarget.value;
          form.setFieldValue('name', name);
          if (!touched) form.setFieldValue('cid', cidFrom(name));
        }}
      />
      <CidField form={form} isNew={isNew} touch={() => touch(true)} />
      <Textarea
        label={t('conferences.description')}
        autosize
        minRows={2}
        maxRows={8}
        maxLength={2000}
        {...form.getInputProps('description')}
      />
      <Group grow align="flex-start">
        <TextInput label={t('conferences.place')} maxLength={256} {...form.getInputProps('place')} />
        {!own && (
          <TextInput
            label={t('conferences.owner')}
            description={isNew ? t('conferences.ownerHint') : undefined}
            inputWrapperOrder={below}
            maxLength={64}
            autoCapitalize="none"
            spellCheck={false}
            {...form.getInputProps('owner')}
          />
        )}
      </Group>
    </Stack>
  );
}
