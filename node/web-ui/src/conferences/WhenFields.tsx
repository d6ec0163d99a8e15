import { Chip, Fieldset, Group, NumberInput, Radio, Select, Stack, Text, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useAdminText } from '../ui/text';
import { ownZone, type ConferenceValues } from './conferenceDraft';

type Form = UseFormReturnType<ConferenceValues>;

const LAUNCHES = ['virtual_room', 'by_hand', 'scheduled'] as const;
const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
const MINUTES = [15, 30, 45, 60, 90, 120, 180, 240, 480];

/** When it is open: always, when somebody starts it, or by a schedule; a template says no days. */
export function WhenFields({ form, template }: { form: Form; template?: boolean }) {
  const { t } = useAdminText();
  return (
    <Fieldset legend={t('conferences.when')}>
      <Stack gap="sm">
        <Radio.Group aria-label={t('conferences.when')} {...form.getInputProps('launch')}>
          <Stack gap="xs">
            {LAUNCHES.map((launch) => (
              <Radio
                key={launch}
                value={launch}
                label={t(`conferences.launch.${launch}`)}
                description={t(`conferences.launchHint.${launch}`)}
              />
            ))}
          </Stack>
        </Radio.Group>
        {form.values.launch === 'scheduled' && <Scheduled form={form} template={template} />}
      </Stack>
    </Fieldset>
  );
}

function Scheduled({ form, template }: { form: Form; template?: boolean }) {
  const { t } = useAdminText();
  const zones = useMemo(() => allZones(), []);
  const weekly = form.values.weekdays.length > 0;
  const length = form.values.duration_minutes;
  const minutes =
    MINUTES.includes(length) || length === 0 ? MINUTES : [...MINUTES, length].sort((a, b) => a - b);
  return (
    <Stack gap="sm">
      <Group grow align="flex-start">
        {!template && (
          <TextInput
            type="date"
            label={t(weekly ? 'conferences.firstDay' : 'conferences.day')}
            {...form.getInputProps('date')}
          />
        )}
        <TextInput type="time" label={t('conferences.time')} {...form.getInputProps('time')} />
      </Group>
      <Group grow align="flex-start">
        <Select
          label={t('conferences.duration')}
          allowDeselect={false}
          data={[...minutes.map(String), '0'].map((value) => ({
            value,
            label: value === '0' ? t('conferences.noEnd') : lengthText(Number(value), t),
          }))}
          value={String(length)}
          onChange={(value) => form.setFieldValue('duration_minutes', Number(value ?? '60'))}
          error={form.errors.duration_minutes}
        />
        <Select
          label={t('conferences.zone')}
          searchable
          allowDeselect={false}
          limit={60}
          nothingFoundMessage={t('conferences.noZone')}
          data={zones}
          {...form.getInputProps('zone')}
        />
      </Group>
      <Days form={form} />
      {weekly && !template && <Ends form={form} />}
    </Stack>
  );
}

/** On which days it is repeated; none of them: once. */
function Days({ form }: { form: Form }) {
  const { t } = useAdminText();
  const { i18n } = useTranslation();
  const names = useMemo(() => dayNames(i18n.language), [i18n.language]);
  return (
    <div role="group" aria-labelledby="weekdays">
      <Text id="weekdays" size="sm" fw={500} mb={4}>
        {t('conferences.weekdays')}
      </Text>
      <Chip.Group
        multiple
        value={form.values.weekdays}
        onChange={(value) =>
          form.setFieldValue(
            'weekdays',
            DAYS.filter((day) => value.includes(day)),
          )
        }
      >
        <Group gap={6}>
          {DAYS.map((day, at) => (
            <Chip key={day} value={day} size="sm" aria-label={names[at]?.long}>
              {names[at]?.short}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
      <Text size="xs" c="dimmed" mt={4}>
        {t('conferences.weekdaysHint')}
      </Text>
    </div>
  );
}

function Ends({ form }: { form: Form }) {
  const { t } = useAdminText();
  return (
    <Group grow align="flex-start">
      <Select
        label={t('conferences.ends')}
        allowDeselect={false}
        data={(['never', 'until', 'count'] as const).map((value) => ({
          value,
          label: t(`conferences.ends.${value}`),
        }))}
        {...form.getInputProps('ends')}
      />
      {form.values.ends === 'until' && (
        <TextInput type="date" label={t('conferences.lastDay')} {...form.getInputProps('until')} />
      )}
      {form.values.ends === 'count' && (
        <NumberInput
          label={t('conferences.count')}
          min={1}
          max={1000}
          allowDecimal={false}
          {...form.getInputProps('count')}
        />
      )}
    </Group>
  );
}

/** Those that the browser knows, its own first. */
function allZones(): string[] {
  const own = ownZone();
  const all = Intl.supportedValuesOf('timeZone');
  return [own, ...all.filter((zone) => zone !== own)];
}

function dayNames(language: string): { short: string; long: string }[] {
  // The fourth of January 2027 is a Monday.
  const days = DAYS.map((_, at) => new Date(Date.UTC(2027, 0, 4 + at)));
  const names = (weekday: 'short' | 'long') =>
    new Intl.DateTimeFormat(language, { weekday, timeZone: 'UTC' });
  const [short, long] = [names('short'), names('long')];
  return days.map((day) => ({ short: short.format(day), long: long.format(day) }));
}

function lengthText(minutes: number, t: ReturnType<typeof useAdminText>['t']): string {
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours === 0) return t('conferences.minutes', { count: rest });
  if (rest === 0) return t('conferences.hours', { count: hours });
  return `${t('conferences.hours', { count: hours })} ${t('conferences.minutes', { count: rest })}`;
}
