import {
  Fieldset,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useRouterState } from '@tanstack/react-router';
import { useEffect, useState, type ReactNode } from 'react';
import { calls } from '../api/calls';
import { Problem } from '../api/problem';
import { queries } from '../api/queries';
import type { Settings, SettingsSections, Zone } from '../api/types';
import { cidLike } from '../ui/cid';
import { ChangesBar } from '../ui/ChangesBar';
import { tell, tellProblem } from '../ui/notify';
import { Page } from '../ui/Page';
import { LONGEST_PASSWORD } from '../ui/policy';
import { ErrorState, Loading } from '../ui/States';
import { duration, fieldErrors, quantity, textOf, useAdminText } from '../ui/text';
import { useDraft, type Draft } from '../ui/useDraft';
import { useMayChange } from '../ui/useMe';
import { BorderFields } from './BorderFields';
import { DocumentSettings } from './DocumentSettings';
import { valueOf } from './eventText';
import { FederationFields, UsualTerms } from './FederationSettings';
import { LogoSettings } from './LogoSettings';
import { ProfileVisibilityFields } from './ProfileVisibility';
import { ZoneFields, wrongSubnets } from './ZoneSettings';
import { flatten, looksLikeNetwork, sectionsOf, type FlatSettings, type SettingField } from './settingsDraft';

const route = getRouteApi('/_app/admin/settings');

/** What administrators decide for the whole server. */
export function SettingsPage() {
  const { t } = useAdminText();
  const settings = useQuery(queries.settings());
  return (
    <Page narrow title={t('common:nav.settings')} purpose={t('settings.purpose')}>
      {settings.data ? (
        <Form settings={settings.data} />
      ) : settings.error ? (
        <ErrorState error={settings.error} retry={() => void settings.refetch()} />
      ) : (
        <Loading rows={6} height={64} />
      )}
    </Page>
  );
}

function Form({ settings }: { settings: Settings }) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const cache = useQueryClient();
  const draft = useDraft<FlatSettings>(flatten(settings));
  const hash = useRouterState({ select: (state) => state.location.hash });
  useEffect(() => document.getElementById(hash)?.scrollIntoView({ block: 'start' }), [hash]);
  useKeptOut(draft, mayChange);
  const save = useMutation({
    mutationFn: () =>
      calls.updateSettings(
        sectionsOf(
          draft.value,
          draft.changes.map((change) => change.field),
        ),
        draft.match,
      ),
    onSuccess: async (now) => {
      cache.setQueryData(queries.settings().queryKey, now);
      draft.reset();
      tell(t('settings.saved'));
      await cache.invalidateQueries({ queryKey: ['server'] });
    },
    onError: (error) => {
      if (error instanceof Problem && error.code === 'stale')
        void cache.invalidateQueries({ queryKey: ['settings'] });
      else tellProblem(error);
    },
  });
  const errors = fieldErrors(save.error);
  const wrongNetwork = draft.value['admin_access.networks'].find((network) => !looksLikeNetwork(network));
  const missing = draft.value['admin_access.networks'].length === 0;
  const refused = Object.entries(errors).find(([field]) => field.startsWith('admin_access'))?.[1];
  const networks = wrongNetwork
    ? t('settings.badNetwork', { network: wrongNetwork })
    : missing
      ? t('settings.noNetwork')
      : refused;
  const fields = { draft, readOnly: !mayChange };
  return (
    <Stack gap="md">
      <Section id="front_page">
        <TextField {...fields} field="front_page.title" max={128} />
        <TextField {...fields} field="front_page.help" max={2000} rows={4} />
        <TextField {...fields} field="front_page.contacts" max={2000} rows={3} />
        <TextField
          {...fields}
          field="front_page.guide"
          max={2000}
          error={errors['front_page.guide'] && t('setting.front_page.guide.wrong')}
        />
      </Section>
      <LogoSettings readOnly={!mayChange} />
      <DocumentSettings readOnly={!mayChange} />
      <Section id="password">
        <NumberField {...fields} field="password.min_length" min={2} max={LONGEST_PASSWORD} unit="" />
        <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
          <Choice {...fields} field="password.mixed_case" />
          <Choice {...fields} field="password.digits" />
          <Choice {...fields} field="password.specials" />
        </SimpleGrid>
      </Section>
      <Section id="lockout">
        <Choice {...fields} field="lockout.enabled" />
        <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
          <NumberField {...fields} field="lockout.attempts" min={1} max={100} unit="" />
          <NumberField {...fields} field="lockout.window_s" min={1} max={43_200} scale={60} unit="minute" />
          <NumberField
            {...fields}
            field="lockout.duration_s"
            min={1}
            max={525_600}
            scale={60}
            unit="minute"
          />
        </SimpleGrid>
      </Section>
      <Section id="conferences">
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
          <Stack gap="sm">
            <Choice {...fields} field="conferences.delete_past" />
            <NumberField {...fields} field="conferences.delete_past_days" min={1} max={10_000} unit="day" />
          </Stack>
          <Stack gap="sm">
            <Choice {...fields} field="conferences.delete_unused" />
            <NumberField {...fields} field="conferences.delete_unused_days" min={1} max={10_000} unit="day" />
          </Stack>
          <NumberField {...fields} field="conferences.keep_history_days" min={1} max={10_000} unit="day" />
          <NumberField {...fields} field="conferences.keep_chat_days" min={1} max={10_000} unit="day" />
        </SimpleGrid>
      </Section>
      <Section id="new_conferences">
        <WaitingRoomField {...fields} />
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
          <Choice {...fields} field="new_conferences.public" />
          <Choice {...fields} field="new_conferences.uninvited" />
          <Choice {...fields} field="new_conferences.muted_on_entry" />
          <Choice {...fields} field="new_conferences.camera_off_on_entry" />
          <Choice {...fields} field="new_conferences.guests_chat" />
          <Choice {...fields} field="new_conferences.guests_audio" />
          <Choice {...fields} field="new_conferences.guests_video" />
        </SimpleGrid>
      </Section>
      <Section id="conference_ids">
        <Choice {...fields} field="conference_ids.letters" />
        <NumberField {...fields} field="conference_ids.length" min={4} max={20} unit="" />
        <Text size="sm" aria-live="polite">
          {t('setting.conference_ids.like', {
            like: cidLike(draft.value['conference_ids.letters'], draft.value['conference_ids.length']),
          })}
        </Text>
        <Choice {...fields} field="conference_ids.by_owners" />
      </Section>
      <Section id="federation">
        <FederationFields {...fields} errors={errors} />
      </Section>
      <Section id="partner_terms">
        <UsualTerms {...fields} errors={errors} />
      </Section>
      <Section id="profile_fields">
        <ProfileVisibilityFields {...fields} />
      </Section>
      <Section id="sessions">
        <NumberField {...fields} field="sessions.lifetime_days" min={1} max={3_650} unit="day" />
      </Section>
      <Section id="zones">
        <ZoneFields {...fields} errors={errors} />
      </Section>
      <Section id="admin_access">
        <TagsInput
          label={t('setting.admin_access.networks')}
          description={t('setting.admin_access.networks.hint')}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          error={networks}
          readOnly={!mayChange}
          acceptValueOnBlur
          splitChars={[',', ' ', ';']}
          maxTags={256}
          value={draft.value['admin_access.networks']}
          onChange={(next) => draft.set('admin_access.networks', next)}
        />
      </Section>
      <Section id="border">
        <BorderFields {...fields} errors={errors} />
      </Section>
      <ChangesBar
        draft={draft}
        label={(field) => textOf(`admin:setting.${field}`, field)}
        show={(field, value) => showZone(field, value, t) ?? showSetting(field, value)}
        save={() => save.mutate()}
        saving={save.isPending}
        blocked={!!wrongNetwork || missing || !!wrongSubnets(draft.value['zones.subnets'])}
      />
    </Stack>
  );
}

/** Takes up the network that the address names, as one that is to be kept out: it counts once it is saved. */
function useKeptOut(draft: Draft<FlatSettings>, mayChange: boolean) {
  const { deny } = route.useSearch();
  const navigate = route.useNavigate();
  const denied = draft.value['border.deny'];
  useEffect(() => {
    if (!deny) return;
    if (mayChange && looksLikeNetwork(deny) && !denied.includes(deny))
      draft.set('border.deny', [...denied, deny]);
    void navigate({ search: {}, hash: true, replace: true });
  }, [deny, mayChange, denied, draft, navigate]);
}

/** What a zone is like, in a line. */
function showZone(
  field: string,
  value: unknown,
  t: ReturnType<typeof useAdminText>['t'],
): string | undefined {
  if (field !== 'zones.trusted' && field !== 'zones.internet') return undefined;
  const zone = value as Zone;
  const parts = [
    zone.name,
    zone.on ? t('zone.isOn') : t('zone.isOff'),
    ...(zone.methods.includes('password') ? [t('zone.password')] : []),
    ...(zone.guests ? [t('zone.guests')] : []),
    ...zone.rights.map((right) => t(`right.${right}`)),
  ];
  return parts.filter(Boolean).join(', ');
}

function showSetting(field: string, value: unknown): string {
  if (typeof value !== 'number') return valueOf(value);
  if (field.endsWith('_s')) return duration(value);
  return field.endsWith('_days') ? quantity(value, 'day', 0) : valueOf(value);
}

function Section({ id, children }: { id: keyof SettingsSections; children: ReactNode }) {
  const { t } = useAdminText();
  return (
    <Fieldset id={id} legend={t(`setting.${id}`)} style={{ scrollMarginTop: 72 }}>
      <Text size="sm" c="dimmed" mb="sm">
        {t(`setting.${id}.hint`)}
      </Text>
      <Stack gap="md">{children}</Stack>
    </Fieldset>
  );
}

type Of<T> = { [K in SettingField]: FlatSettings[K] extends T ? K : never }[SettingField];

interface FieldProps<K extends SettingField> {
  draft: Draft<FlatSettings>;
  readOnly: boolean;
  field: K;
}

function TextField({
  draft,
  readOnly,
  field,
  max,
  rows,
  error,
}: FieldProps<'front_page.title' | 'front_page.help' | 'front_page.contacts' | 'front_page.guide'> & {
  max: number;
  rows?: number;
  error?: string;
}) {
  const { t } = useAdminText();
  const Input = (rows ? Textarea : TextInput) as typeof TextInput;
  return (
    <Input
      label={t(`setting.${field}`)}
      description={t(`setting.${field}.hint`)}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      maxLength={max}
      error={error}
      readOnly={readOnly}
      {...(rows ? { autosize: true, minRows: rows, maxRows: 12 } : {})}
      value={draft.value[field]}
      onChange={(event) => draft.set(field, event.currentTarget.value)}
    />
  );
}

interface NumberProps extends FieldProps<Of<number>> {
  min: number;
  max: number;
  /** A unit that the value is shown with. */
  unit: '' | 'minute' | 'day';
  /** So many of the server's unit are one of the shown. */
  scale?: number;
}

function NumberField({ draft, readOnly, field, min, max, unit, scale = 1 }: NumberProps) {
  const { t } = useAdminText();
  const value = Math.round(draft.value[field] / scale);
  // What is typed on the way to a number need not be one yet: the draft has the last that was.
  const [typed, type] = useState<{ text: number | string; of: number }>({ text: value, of: value });
  const shown = typed.of === value ? typed.text : value;
  const hint = t(`setting.${field}.hint`);
  return (
    <NumberInput
      label={t(`setting.${field}`)}
      description={scale > 1 && value >= 60 ? `${hint} (${duration(value * scale)})` : hint}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      min={min}
      max={max}
      allowDecimal={false}
      allowNegative={false}
      suffix={unit && ` ${t(`unit.${unit}`)}`}
      maw={280}
      readOnly={readOnly}
      value={shown}
      onChange={(next) => {
        const good = next !== '' && Number(next) >= min && Number(next) <= max;
        type({ text: next, of: good ? Number(next) : value });
        if (good) draft.set(field, Number(next) * scale);
      }}
      onBlur={() => type({ text: value, of: value })}
    />
  );
}

function Choice({ draft, readOnly, field }: FieldProps<Of<boolean>>) {
  const { t } = useAdminText();
  return (
    <Switch
      label={t(`setting.${field}`)}
      checked={draft.value[field]}
      disabled={readOnly}
      onChange={(event) => draft.set(field, event.currentTarget.checked)}
    />
  );
}

const WAITING = ['off', 'all', 'uninvited', 'uninvited_elsewhere', 'guests'] as const;

/** Who has to be let in, in new conferences. */
function WaitingRoomField({ draft, readOnly }: Pick<FieldProps<SettingField>, 'draft' | 'readOnly'>) {
  const { t } = useAdminText();
  const value = draft.value['new_conferences.waiting_room'];
  return (
    <Select
      label={t('setting.new_conferences.waiting_room')}
      description={t(`conferences.waitingHint.${value}`)}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      allowDeselect={false}
      maw={420}
      disabled={readOnly}
      data={WAITING.map((kind) => ({ value: kind, label: t(`conferences.waiting.${kind}`) }))}
      value={value}
      onChange={(next) => next && draft.set('new_conferences.waiting_room', next)}
    />
  );
}
