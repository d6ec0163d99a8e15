import {
  Alert,
  Button,
  Checkbox,
  Fieldset,
  Group,
  NumberInput,
  Radio,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useForm, type UseFormReturnType } from '@mantine/form';
import { IconDice5 } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import { asProblem } from '../api/problem';
import type { Conference } from '../api/types';
import { tell } from '../ui/notify';
import { fieldErrors, problemText, useAdminText } from '../ui/text';
import { cidFrom, newOf, patchOf, randomPin, valuesOf, type ConferenceValues } from './conferenceDraft';
import { RegistrationFields } from '../registration/RegistrationFields';
import { PeopleInput } from './PeopleInput';
import { WhenFields } from './WhenFields';

const MODES = ['all_on_screen', 'smart', 'role_based', 'lecture'] as const;
const WAITING = ['off', 'all', 'uninvited', 'uninvited_elsewhere', 'guests'] as const;
const below = ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[];

type Form = UseFormReturnType<ConferenceValues>;

interface Props {
  conference?: Conference;
  readOnly?: boolean;
  /** In the personal area: who owns it is not asked. */
  own?: boolean;
  close: () => void;
}

/** Makes a conference, or changes one: what it is called, who is seen, who comes in and how. */
export function ConferenceForm({ conference, readOnly, own, close }: Props) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  // As it was when it was opened: who saves on top of somebody else's change is told.
  const [old] = useState(conference);
  const [before] = useState(() => valuesOf(conference));
  const form = useForm<ConferenceValues>({
    initialValues: before,
    validateInputOnBlur: true,
    validate: {
      name: (value) => (value.trim() ? null : t('conferences.nameMissing')),
      cid: (value) => (value.trim() ? null : t('conferences.cidMissing')),
      pin: (value) => (/^([0-9]{4,16})?$/.test(value) ? null : t('conferences.pinWrong')),
    },
  });
  const save = useMutation({
    mutationFn: async (values: ConferenceValues) => {
      if (!old) return calls.createConference(newOf(values));
      const patch = patchOf(values, before);
      return patch ? calls.updateConference(old.cid, patch, old.revision) : old;
    },
    onSuccess: async (now) => {
      await cache.invalidateQueries({ queryKey: ['conferences'] });
      tell(t(old ? 'conferences.saved' : 'conferences.created', { name: now.name }));
      close();
    },
    onError: (error) => {
      const errors = fieldErrors(error);
      // The server names fields by where they stand.
      const bare = Object.entries(errors).map(([field, reason]) => [
        field.replace(/^(settings|schedule)\./, ''),
        reason,
      ]);
      form.setErrors(Object.fromEntries(bare));
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
          <Names form={form} isNew={!old} own={own} />
          <WhenFields form={form} />
          <Shown form={form} />
          <Gate form={form} />
          {form.values.access === 'public' && <RegistrationFields form={form} />}
          <Entry form={form} />
          {!readOnly && (
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={close}>
                {t('common:action.cancel')}
              </Button>
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

function Names({ form, isNew, own }: { form: Form; isNew: boolean; own?: boolean }) {
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
      <TextInput
        label={t('conferences.cid')}
        description={t(isNew ? 'conferences.cidHint' : 'conferences.cidStays')}
        inputWrapperOrder={below}
        readOnly={!isNew}
        maxLength={64}
        autoCapitalize="none"
        spellCheck={false}
        {...form.getInputProps('cid')}
        onChange={(event) => {
          touch(true);
          form.setFieldValue('cid', event.currentTarget.value);
        }}
      />
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

/** Who is seen and heard. */
function Shown({ form }: { form: Form }) {
  const { t } = useAdminText();
  const podium = form.values.mode === 'smart' || form.values.mode === 'role_based';
  return (
    <Fieldset legend={t('conferences.mode')}>
      <Stack gap="sm">
        <Radio.Group aria-label={t('conferences.mode')} {...form.getInputProps('mode')}>
          <Stack gap="xs">
            {MODES.map((mode) => (
              <Radio
                key={mode}
                value={mode}
                label={t(`conferences.mode.${mode}`)}
                description={t(`conferences.modeHint.${mode}`)}
              />
            ))}
          </Stack>
        </Radio.Group>
        {podium && (
          <NumberInput
            label={t('conferences.podiumPlaces')}
            description={t('conferences.podiumPlacesHint')}
            inputWrapperOrder={below}
            min={1}
            max={49}
            allowDecimal={false}
            maw={220}
            {...form.getInputProps('podium_places')}
          />
        )}
      </Stack>
    </Fieldset>
  );
}

/** Who comes in. */
function Gate({ form }: { form: Form }) {
  const { t } = useAdminText();
  const open = form.values.access === 'public';
  return (
    <Fieldset legend={t('conferences.gate')}>
      <Stack gap="sm">
        <Radio.Group label={t('conferences.access')} {...form.getInputProps('access')}>
          <Group gap="lg" mt={6}>
            <Radio value="internal" label={t('conferences.accessChoice.internal')} />
            <Radio value="public" label={t('conferences.accessChoice.public')} />
          </Group>
        </Radio.Group>
        <Group align="flex-end" gap="xs" wrap="nowrap">
          <TextInput
            label={t('conferences.pin')}
            description={t('conferences.pinHint')}
            inputWrapperOrder={['label', 'description', 'input', 'error']}
            inputMode="numeric"
            autoComplete="off"
            maxLength={16}
            style={{ flex: 1 }}
            {...form.getInputProps('pin')}
          />
          <Button
            variant="default"
            leftSection={<IconDice5 size={16} aria-hidden />}
            onClick={() => form.setFieldValue('pin', randomPin())}
          >
            {t('conferences.pinMake')}
          </Button>
        </Group>
        <Select
          label={t('conferences.waitingRoom')}
          description={t(`conferences.waitingHint.${form.values.waiting_room}`)}
          inputWrapperOrder={below}
          allowDeselect={false}
          data={WAITING.filter((kind) => open || kind !== 'guests').map((kind) => ({
            value: kind,
            label: t(`conferences.waiting.${kind}`),
          }))}
          {...form.getInputProps('waiting_room')}
        />
        <PeopleInput
          label={t('conferences.moderators')}
          hint={t('conferences.moderatorsHint')}
          most={100}
          {...form.getInputProps('moderators')}
        />
        <PeopleInput
          label={t('conferences.invited')}
          hint={t('conferences.invitedHint')}
          most={2000}
          {...form.getInputProps('invited')}
        />
        <Checkbox
          label={t('conferences.uninvited')}
          description={t('conferences.uninvitedHint')}
          {...form.getInputProps('uninvited', { type: 'checkbox' })}
        />
        <Group grow align="flex-start">
          <Limit form={form} field="participant_limit" label={t('conferences.participantLimit')} />
          {open && <Limit form={form} field="guest_limit" label={t('conferences.guestLimit')} />}
        </Group>
      </Stack>
    </Fieldset>
  );
}

function Limit({
  form,
  field,
  label,
}: {
  form: Form;
  field: 'participant_limit' | 'guest_limit';
  label: string;
}) {
  const { t } = useAdminText();
  const value = form.values[field];
  return (
    <NumberInput
      label={label}
      description={t('conferences.limitHint')}
      inputWrapperOrder={below}
      min={1}
      max={2000}
      allowDecimal={false}
      placeholder={t('conferences.noLimit')}
      value={value === 0 ? '' : value}
      onChange={(next) => form.setFieldValue(field, typeof next === 'number' ? next : 0)}
      error={form.errors[field]}
    />
  );
}

/** How people come in. */
function Entry({ form }: { form: Form }) {
  const { t } = useAdminText();
  const box = (field: 'muted_on_entry' | 'camera_off_on_entry' | 'browser' | 'programs') =>
    form.getInputProps(field, { type: 'checkbox' });
  return (
    <Fieldset legend={t('conferences.entry')}>
      <Stack gap="sm">
        <Checkbox label={t('conferences.mutedOnEntry')} {...box('muted_on_entry')} />
        <Checkbox label={t('conferences.cameraOffOnEntry')} {...box('camera_off_on_entry')} />
        <Text size="sm" c="dimmed">
          {t('conferences.entryHint')}
        </Text>
        <Checkbox label={t('conferences.browser')} {...box('browser')} />
        <Checkbox
          label={t('conferences.programs')}
          description={t('conferences.programsHint')}
          {...box('programs')}
        />
      </Stack>
    </Fieldset>
  );
}
