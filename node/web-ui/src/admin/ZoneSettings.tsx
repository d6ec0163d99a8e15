import {
  Badge,
  Card,
  Checkbox,
  Fieldset,
  Group,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  TextInput,
  Title,
} from '@mantine/core';
import { useId } from 'react';
import { rights as allRights, type Right, type Zone } from '../api/types';
import { useAdminText } from '../ui/text';
import type { Draft } from '../ui/useDraft';
import { looksLikeNetwork, type FlatSettings } from './settingsDraft';

const ZONES = ['trusted', 'internet'] as const;
type ZoneName = (typeof ZONES)[number];

interface Props {
  draft: Draft<FlatSettings>;
  readOnly: boolean;
  errors: Record<string, string>;
}

/** From which network people come, and what counts for them there: one card for each of the two zones. */
export function ZoneFields({ draft, readOnly, errors }: Props) {
  return (
    <Stack gap="md">
      {ZONES.map((name) => (
        <ZoneCard key={name} name={name} draft={draft} readOnly={readOnly} errors={errors} />
      ))}
    </Stack>
  );
}

/** Why the subnets cannot be saved; nothing where they can. */
export function wrongSubnets(subnets: string[]): 'missing' | { subnet: string } | undefined {
  if (subnets.length === 0) return 'missing';
  const subnet = subnets.find((one) => !looksLikeNetwork(one));
  return subnet === undefined ? undefined : { subnet };
}

function ZoneCard({ name, draft, readOnly, errors }: Props & { name: ZoneName }) {
  const { t } = useAdminText();
  const heading = useId();
  const zone = draft.value[`zones.${name}`];
  const set = (patch: Partial<Zone>) => !readOnly && draft.set(`zones.${name}`, { ...zone, ...patch });
  const toggle = (right: Right) =>
    set({
      // In the order in which the server has them.
      rights: allRights.filter((one) =>
        one === right ? !zone.rights.includes(one) : zone.rights.includes(one),
      ),
    });
  const refused = errors[`zones.${name}`];
  return (
    <Card withBorder component="section" aria-labelledby={heading}>
      <Stack gap="md">
        <Group justify="space-between" gap="xs">
          <Title order={3} size="h5" id={heading}>
            {zone.name.trim() || t(`zone.${name}`)}
          </Title>
          <Badge variant="light" color={zone.on ? 'indigo' : 'gray'}>
            {zone.on ? t('zone.isOn') : t('zone.isOff')}
          </Badge>
        </Group>
        <Switch
          label={t('zone.on')}
          description={t('zone.onHint')}
          error={refused && t('zone.locksOut')}
          disabled={readOnly}
          checked={zone.on}
          onChange={(event) => set({ on: event.currentTarget.checked })}
        />
        <TextInput
          label={t('zone.name')}
          placeholder={t(`zone.${name}`)}
          maw={420}
          maxLength={64}
          readOnly={readOnly}
          value={zone.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
        {name === 'trusted' && <Subnets draft={draft} readOnly={readOnly} errors={errors} />}
        <Fieldset legend={t('zone.methods')}>
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
            <Checkbox
              label={t('zone.password')}
              disabled={readOnly}
              checked={zone.methods.includes('password')}
              onChange={(event) => set({ methods: event.currentTarget.checked ? ['password'] : [] })}
            />
            <Checkbox
              label={t('zone.guests')}
              description={t('zone.guestsHint')}
              disabled={readOnly}
              checked={zone.guests}
              onChange={(event) => set({ guests: event.currentTarget.checked })}
            />
          </SimpleGrid>
        </Fieldset>
        <Fieldset legend={t('zone.rights')}>
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
            {allRights.map((right) => (
              <Checkbox
                key={right}
                label={t(`right.${right}`)}
                description={t(`right.${right}Hint`)}
                disabled={readOnly}
                checked={zone.rights.includes(right)}
                onChange={() => toggle(right)}
              />
            ))}
          </SimpleGrid>
        </Fieldset>
      </Stack>
    </Card>
  );
}

function Subnets({ draft, readOnly, errors }: Props) {
  const { t } = useAdminText();
  const subnets = draft.value['zones.subnets'];
  const wrong = wrongSubnets(subnets);
  const refused = Object.entries(errors).find(([field]) => field.startsWith('zones.subnets'))?.[1];
  const error =
    wrong === 'missing'
      ? t('settings.noNetwork')
      : wrong
        ? t('settings.badNetwork', { network: wrong.subnet })
        : refused;
  return (
    <TagsInput
      label={t('setting.zones.subnets')}
      description={t('setting.zones.subnets.hint')}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      error={error}
      readOnly={readOnly}
      acceptValueOnBlur
      splitChars={[',', ' ', ';']}
      maxTags={256}
      value={subnets}
      onChange={(next) => draft.set('zones.subnets', next)}
    />
  );
}
