import { Checkbox, Fieldset, Group, NumberInput, Radio, Select, Stack, Text } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { RegistrationFields } from '../registration/RegistrationFields';
import { useAdminText } from '../ui/text';
import type { ConferenceValues } from './conferenceDraft';
import { PeopleInput } from './PeopleInput';
import { PinInput } from './PinInput';
import { QualityFields } from './QualityFields';
import { WhenFields } from './WhenFields';

const MODES = ['all_on_screen', 'smart', 'role_based', 'lecture'] as const;
const WAITING = ['off', 'all', 'uninvited', 'uninvited_elsewhere', 'guests'] as const;
const below = ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[];

type Form = UseFormReturnType<ConferenceValues>;

/** How a conference is set up, or those that are made from a template, which says no days. */
export function SetupFields({ form, template }: { form: Form; template?: boolean }) {
  return (
    <>
      <WhenFields form={form} template={template} />
      <Shown form={form} />
      <Gate form={form} />
      {form.values.access === 'public' && <RegistrationFields form={form} template={template} />}
      <Entry form={form} />
      <QualityFields form={form} />
    </>
  );
}

/** Who is seen and heard. */
function Shown({ form }: { form: Form }) {
  const { t } = useAdminText();
  const { mode } = form.values;
  const podium = mode === 'smart' || mode === 'role_based';
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
        {mode === 'lecture' && (
          <PeopleInput
            label={t('conferences.lecturers')}
            hint={t('conferences.lecturersHint')}
            most={49}
            {...form.getInputProps('lecturers')}
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
  const registers = open && form.values.registration.on;
  return (
    <Fieldset legend={t('conferences.gate')}>
      <Stack gap="sm">
        <Radio.Group label={t('conferences.access')} {...form.getInputProps('access')}>
          <Group gap="lg" mt={6}>
            <Radio value="internal" label={t('conferences.accessChoice.internal')} />
            <Radio value="public" label={t('conferences.accessChoice.public')} />
          </Group>
        </Radio.Group>
        <div aria-live="polite">
          {open && (
            <Text size="sm" c="dimmed">
              {t(form.values.uninvited ? 'conferences.publicForAll' : 'conferences.publicForAllNow')}
            </Text>
          )}
        </div>
        <PinInput
          label={t('conferences.pin')}
          description={t('conferences.pinHint')}
          make={(pin) => form.setFieldValue('pin', pin)}
          {...form.getInputProps('pin')}
        />
        <Select
          label={t('conferences.waitingRoom')}
          description={[
            t(`conferences.waitingHint.${form.values.waiting_room}`),
            registers && form.values.waiting_room !== 'off' && t('conferences.waitingRegistered'),
          ]
            .filter(Boolean)
            .join(' ')}
          inputWrapperOrder={below}
          allowDeselect={false}
          data={WAITING.filter((kind) => open || kind !== 'guests').map((kind) => ({
            value: kind,
            label: t(`conferences.waiting.${kind}`),
          }))}
          {...form.getInputProps('waiting_room')}
        />
        <Checkbox
          label={t('conferences.beginsLocked')}
          description={t('conferences.beginsLockedHint')}
          {...form.getInputProps('begins_locked', { type: 'checkbox' })}
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
        {form.values.launch === 'scheduled' && (
          <Checkbox
            label={t('conferences.callAtStart')}
            description={t('conferences.callAtStartHint')}
            {...form.getInputProps('call_at_start', { type: 'checkbox' })}
          />
        )}
        {!open && (
          <Checkbox
            label={t('conferences.uninvited')}
            description={t('conferences.uninvitedHint')}
            {...form.getInputProps('uninvited', { type: 'checkbox' })}
          />
        )}
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
