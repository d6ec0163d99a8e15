import {
  ActionIcon,
  Button,
  Card,
  Checkbox,
  Fieldset,
  Group,
  NumberInput,
  Select,
  Stack,
  Switch,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import type { ConferenceRegistration, RegistrationField } from '../api/types';
import type { ConferenceValues } from '../conferences/conferenceDraft';
import { useAdminText } from '../ui/text';
import { choicesOf, FIELDS, localOf, newField, STANDARD, timeOf } from './registrationDraft';

type Form = UseFormReturnType<ConferenceValues>;

const ASKS = ['off', 'optional', 'required'] as const;
const KINDS = ['text', 'long_text', 'choice', 'yes_no'] as const;
const CLOSES = ['by_hand', 'at_start', 'at'] as const;
const below = ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[];

interface Part {
  registration: ConferenceRegistration;
  set: (change: Partial<ConferenceRegistration>) => void;
  /** What is wrong with a part of it. */
  error: (part: string) => React.ReactNode;
}

/** How guests register for a public conference, and what they may do there; a template says no days. */
export function RegistrationFields({ form, template }: { form: Form; template?: boolean }) {
  const { t } = useAdminText();
  const registration = form.values.registration;
  const part: Part = {
    registration,
    set: (change) => form.setFieldValue('registration', { ...registration, ...change }),
    error: (name) => form.errors[`registration.${name}`],
  };
  return (
    <Fieldset legend={t('registration.guests')}>
      <Stack gap="md">
        <Rights form={form} />
        <Switch
          label={t('registration.on')}
          description={t('registration.onHint')}
          checked={registration.on}
          error={form.errors.registration}
          onChange={(event) => part.set({ on: event.currentTarget.checked })}
        />
        {registration.on && (
          <>
            <Asked {...part} />
            <OwnFields {...part} />
            <Times {...part} room={form.values.launch === 'virtual_room'} template={template} />
            <Textarea
              label={t('registration.consent')}
              description={t('registration.consentHint')}
              inputWrapperOrder={below}
              autosize
              minRows={2}
              maxRows={8}
              maxLength={2000}
              value={registration.consent}
              error={part.error('consent')}
              onChange={(event) => part.set({ consent: event.currentTarget.value })}
            />
          </>
        )}
      </Stack>
    </Fieldset>
  );
}

function Rights({ form }: { form: Form }) {
  const { t } = useAdminText();
  const { guests } = form.values;
  const right = (name: keyof typeof guests) => (
    <Checkbox
      key={name}
      label={t(`registration.right.${name}`)}
      checked={guests[name]}
      onChange={(event) => form.setFieldValue('guests', { ...guests, [name]: event.currentTarget.checked })}
    />
  );
  return (
    <div role="group" aria-labelledby="guest-rights">
      <Text id="guest-rights" size="sm" fw={500} mb={6}>
        {t('registration.rights')}
      </Text>
      <Group gap="lg">{(['chat', 'audio', 'video'] as const).map(right)}</Group>
    </div>
  );
}

/** Which of the standard fields are asked. */
function Asked({ registration, set }: Part) {
  const { t } = useAdminText();
  const data = ASKS.map((value) => ({ value, label: t(`registration.ask.${value}`) }));
  return (
    <Stack gap={6}>
      <Text size="sm" c="dimmed">
        {t('registration.nameAlways')}
      </Text>
      <Group grow preventGrowOverflow={false} align="flex-start" gap="sm">
        {STANDARD.map((field) => (
          <Select
            key={field}
            miw={150}
            label={t(`registration.field.${field}`)}
            allowDeselect={false}
            data={data}
            value={registration[field] ?? 'off'}
            onChange={(ask) => set({ [field]: ask ?? 'off' })}
          />
        ))}
      </Group>
    </Stack>
  );
}

function OwnFields({ registration, set, error }: Part) {
  const { t } = useAdminText();
  const fields = registration.fields ?? [];
  const put = (place: number, change: Partial<RegistrationField>) =>
    set({ fields: fields.map((field, at) => (at === place ? { ...field, ...change } : field)) });
  return (
    <Stack gap="sm">
      {fields.map((field, place) => (
        <Card key={field.id ?? `new-${place}`} withBorder padding="sm" component="section">
          <OwnField
            field={field}
            place={place}
            put={(change) => put(place, change)}
            remove={() => set({ fields: fields.filter((_, at) => at !== place) })}
            error={error}
          />
        </Card>
      ))}
      <Group gap="sm">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={16} aria-hidden />}
          disabled={fields.length >= FIELDS}
          onClick={() => set({ fields: [...fields, newField()] })}
        >
          {t('registration.addField')}
        </Button>
        <Text size="xs" c="dimmed">
          {t('registration.fieldsHint')}
        </Text>
      </Group>
      {error('fields') && (
        <Text size="xs" c="var(--mantine-color-error)" role="alert">
          {error('fields')}
        </Text>
      )}
    </Stack>
  );
}

interface OwnFieldProps {
  field: RegistrationField;
  place: number;
  put: (change: Partial<RegistrationField>) => void;
  remove: () => void;
  error: Part['error'];
}

function OwnField({ field, place, put, remove, error }: OwnFieldProps) {
  const { t } = useAdminText();
  // As it is typed: lines that are empty for now are no choices.
  const [lines, setLines] = useState(() => (field.choices ?? []).join('\n'));
  return (
    <Stack gap="sm">
      <Group align="flex-end" gap="sm" wrap="nowrap">
        <TextInput
          label={t('registration.label', { number: place + 1 })}
          maxLength={128}
          style={{ flex: 1, minWidth: 0 }}
          value={field.label}
          error={error(`fields.${place}.label`)}
          onChange={(event) => put({ label: event.currentTarget.value })}
        />
        <ActionIcon
          variant="subtle"
          color="gray"
          size={36}
          aria-label={t('registration.removeField', { number: place + 1 })}
          onClick={remove}
        >
          <IconTrash size={16} aria-hidden />
        </ActionIcon>
      </Group>
      <Group gap="lg" align="flex-end">
        <Select
          label={t('registration.kind')}
          allowDeselect={false}
          data={KINDS.map((value) => ({ value, label: t(`registration.kind.${value}`) }))}
          value={field.kind}
          onChange={(kind) =>
            put({ kind: kind ?? 'text', choices: kind === 'choice' ? choicesOf(lines) : [] })
          }
        />
        <Checkbox
          mb={8}
          label={t('registration.required')}
          checked={field.required}
          onChange={(event) => put({ required: event.currentTarget.checked })}
        />
      </Group>
      {field.kind === 'choice' && (
        <Textarea
          label={t('registration.choices')}
          description={t('registration.choicesHint')}
          inputWrapperOrder={below}
          autosize
          minRows={3}
          maxRows={10}
          value={lines}
          error={error(`fields.${place}.choices`)}
          onChange={(event) => {
            setLines(event.currentTarget.value);
            put({ choices: choicesOf(event.currentTarget.value) });
          }}
        />
      )}
    </Stack>
  );
}

/** From when to when, how many, and who else. */
function Times({ registration, set, error, room, template }: Part & { room: boolean; template?: boolean }) {
  const { t } = useAdminText();
  const closes = registration.closes ?? 'by_hand';
  const limit = registration.limit ?? 0;
  return (
    <Stack gap="sm">
      <Group grow align="flex-start">
        {!template && (
          <TextInput
            type="datetime-local"
            label={t('registration.opens')}
            description={t('registration.opensHint')}
            inputWrapperOrder={below}
            value={localOf(registration.opens_at)}
            error={error('opens_at')}
            onChange={(event) => set({ opens_at: timeOf(event.currentTarget.value) })}
          />
        )}
        <Select
          label={t('registration.closes')}
          allowDeselect={false}
          data={CLOSES.filter((value) => (value === 'at_start' ? !room : !template || value !== 'at')).map(
            (value) => ({ value, label: t(`registration.closes.${value}`) }),
          )}
          value={closes}
          error={error('closes')}
          onChange={(value) => set({ closes: value ?? 'by_hand', closes_at: null })}
        />
      </Group>
      {closes === 'at' && (
        <TextInput
          type="datetime-local"
          label={t('registration.closesAt')}
          value={localOf(registration.closes_at)}
          error={error('closes_at')}
          onChange={(event) => set({ closes_at: timeOf(event.currentTarget.value) })}
        />
      )}
      <NumberInput
        label={t('registration.limit')}
        description={t('registration.limitHint')}
        inputWrapperOrder={below}
        min={1}
        max={5000}
        allowDecimal={false}
        maw={260}
        placeholder={t('conferences.noLimit')}
        value={limit === 0 ? '' : limit}
        error={error('limit')}
        onChange={(value) => set({ limit: typeof value === 'number' ? value : 0 })}
      />
      {!template && (
        <Checkbox
          label={t('registration.closed')}
          checked={registration.closed}
          onChange={(event) => set({ closed: event.currentTarget.checked })}
        />
      )}
      <Checkbox
        label={t('registration.others')}
        description={t('registration.othersHint')}
        checked={registration.others}
        onChange={(event) => set({ others: event.currentTarget.checked })}
      />
    </Stack>
  );
}
