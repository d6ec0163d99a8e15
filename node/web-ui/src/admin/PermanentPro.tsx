import { ActionIcon, Button, Card, Group, Select, Stack, Switch, Text, Title } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconRefresh, IconX } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import { Problem } from '../api/problem';
import { queries } from '../api/queries';
import type { Group as UserGroup, Seats } from '../api/types';
import { ChangesBar } from '../ui/ChangesBar';
import { Confirm } from '../ui/Confirm';
import { tell, tellProblem } from '../ui/notify';
import { textOf, useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { useDraft } from '../ui/useDraft';
import { useMayChange } from '../ui/useMe';
import { valueOf } from './eventText';
import { groupName } from './groupName';
import classes from './PermanentPro.module.css';

interface Rules {
  show_pro: boolean;
  ask_for_pro: boolean;
  permanent_groups: string[];
}

/** Which groups have permanent PRO, what users see of theirs, and giving it out now. */
export function PermanentPro({ seats }: { seats: Seats }) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const cache = useQueryClient();
  const groups = useQuery(queries.allGroups());
  const [picking, setPicking] = useState(false);
  const draft = useDraft<Rules>({
    show_pro: seats.show_pro,
    ask_for_pro: seats.ask_for_pro,
    permanent_groups: seats.permanent_groups.map((group) => group.id),
    revision: seats.revision,
  });
  const stale = () => cache.invalidateQueries({ queryKey: ['licensing'] });
  const save = useMutation({
    mutationFn: () => calls.updateSeats(draft.patch, draft.match),
    onSuccess: async (now) => {
      cache.setQueryData(queries.seats().queryKey, now);
      draft.reset();
      tell(t('seats.saved'));
      await stale();
    },
    onError: (error) => {
      if (error instanceof Problem && error.code === 'stale') void stale();
      else tellProblem(error);
    },
  });
  const nameOf = (id: string) => {
    const known = groups.data?.find((group) => group.id === id);
    if (known) return groupName(known);
    return seats.permanent_groups.find((group) => group.id === id)?.name ?? id;
  };
  return (
    <Card withBorder padding="lg" component="section" aria-label={t('seats.rules')}>
      <Group justify="space-between" align="flex-start" gap="sm" mb="sm">
        <div style={{ flex: '1 1 320px' }}>
          <Title order={2} size="h3">
            {t('seats.rules')}
          </Title>
          <Text size="sm" c="dimmed">
            {t('seats.rulesHint')}
          </Text>
        </div>
        {mayChange && seats.permanent_pro && (
          <Button
            variant="default"
            leftSection={<IconRefresh size={16} />}
            disabled={draft.changes.length > 0}
            onClick={() => setPicking(true)}
          >
            {t('seats.pick')}
          </Button>
        )}
      </Group>
      <Stack gap="md">
        {seats.permanent_pro ? (
          <Order
            value={draft.value.permanent_groups}
            groups={groups.data ?? []}
            nameOf={nameOf}
            readOnly={!mayChange}
            onChange={(next) => draft.set('permanent_groups', next)}
          />
        ) : (
          <Text size="sm">{t('seats.noPermanent')}</Text>
        )}
        {seats.picked_at && (
          <Text size="sm" c="dimmed">
            {t('seats.pickedAt')} <Time at={seats.picked_at} />
            {seats.next_pick && (
              <>
                {' · '}
                {t('seats.nextPick')} <Time at={seats.next_pick} />
              </>
            )}
          </Text>
        )}
        <Switch
          label={t('seats.field.show_pro')}
          description={t('seats.showHint')}
          checked={draft.value.show_pro}
          disabled={!mayChange}
          onChange={(event) => draft.set('show_pro', event.currentTarget.checked)}
        />
        <Switch
          label={t('seats.field.ask_for_pro')}
          description={t('seats.askHint')}
          checked={draft.value.ask_for_pro}
          disabled={!mayChange || !draft.value.show_pro}
          onChange={(event) => draft.set('ask_for_pro', event.currentTarget.checked)}
        />
      </Stack>
      <ChangesBar
        draft={draft}
        label={(field) => textOf(`admin:seats.field.${field}`, field)}
        show={(_, value) => (Array.isArray(value) ? valueOf(value.map(nameOf)) : valueOf(value))}
        save={() => save.mutate()}
        saving={save.isPending}
      />
      <Confirm
        opened={picking}
        close={() => setPicking(false)}
        title={t('seats.pickTitle')}
        verb={t('seats.pick')}
        act={async () => {
          await calls.pickPermanent();
          await stale();
          tell(t('seats.picked'));
        }}
      >
        {t('seats.pickText')}
      </Confirm>
    </Card>
  );
}

interface OrderProps {
  value: string[];
  groups: UserGroup[];
  nameOf: (id: string) => string;
  readOnly: boolean;
  onChange: (next: string[]) => void;
}

/** Groups in the order in which they are served; by buttons, as keyboards do not drag. */
function Order({ value, groups, nameOf, readOnly, onChange }: OrderProps) {
  const { t } = useAdminText();
  const swap = (at: number, to: number) => {
    const next = [...value];
    [next[at], next[to]] = [next[to]!, next[at]!];
    onChange(next);
  };
  const others = groups.filter(
    (group) => !value.includes(group.id) && !['guests', 'federated'].includes(group.id),
  );
  return (
    <Stack gap="xs">
      {value.length === 0 && <Text size="sm">{t('seats.noGroups')}</Text>}
      <ol className={classes.order} aria-label={t('seats.field.permanent_groups')}>
        {value.map((id, at) => (
          <li key={id} className={classes.item}>
            <Text size="sm" c="dimmed" className={classes.place} aria-hidden>
              {at + 1}.
            </Text>
            <Text size="sm" fw={500} truncate style={{ flex: 1 }}>
              {nameOf(id)}
            </Text>
            {!readOnly && (
              <Group gap={4} wrap="nowrap">
                <ActionIcon
                  variant="subtle"
                  aria-label={t('seats.earlier', { name: nameOf(id) })}
                  disabled={at === 0}
                  onClick={() => swap(at, at - 1)}
                >
                  <IconArrowUp size={16} />
                </ActionIcon>
                <ActionIcon
                  variant="subtle"
                  aria-label={t('seats.later', { name: nameOf(id) })}
                  disabled={at === value.length - 1}
                  onClick={() => swap(at, at + 1)}
                >
                  <IconArrowDown size={16} />
                </ActionIcon>
                <ActionIcon
                  variant="subtle"
                  color="red"
                  aria-label={t('seats.drop', { name: nameOf(id) })}
                  onClick={() => onChange(value.filter((one) => one !== id))}
                >
                  <IconX size={16} />
                </ActionIcon>
              </Group>
            )}
          </li>
        ))}
      </ol>
      {!readOnly && (
        <Select
          label={t('seats.addGroup')}
          placeholder={t('seats.chooseGroup')}
          searchable
          clearable
          maw={420}
          nothingFoundMessage={t('seats.noMoreGroups')}
          data={others.map((group) => ({ value: group.id, label: groupName(group) }))}
          value={null}
          onChange={(id) => id && onChange([...value, id])}
        />
      )}
    </Stack>
  );
}
