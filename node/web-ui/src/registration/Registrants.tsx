import { ActionIcon, Badge, Button, Group, Stack, Table, Text } from '@mantine/core';
import { IconDownload, IconTrash, IconUserPlus } from '@tabler/icons-react';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { Conference, Registrant } from '../api/types';
import { Confirm } from '../ui/Confirm';
import { download } from '../ui/download';
import { tell } from '../ui/notify';
import { Search } from '../ui/Search';
import { EmptyState, ErrorState, Loading } from '../ui/States';
import { exactTime, useAdminText } from '../ui/text';
import classes from './Registration.module.css';
import { STANDARD } from './registrationDraft';

/** Who has registered for a conference, for those who moderate it. */
export function Registrants({ conference }: { conference: Conference }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const { cid } = conference;
  const [search, setSearch] = useState('');
  const [removing, remove] = useState<Registrant | null>(null);
  const found = useInfiniteQuery(queries.registrants(cid, { search, sort: '-registered_at' }));
  const rows = found.data?.pages.flatMap((page) => page.items) ?? [];
  const last = found.data?.pages.at(-1);
  if (found.error && !found.data) {
    return <ErrorState error={found.error} retry={() => void found.refetch()} />;
  }
  if (!last) return <Loading rows={6} />;
  if (last.registered === 0) {
    return (
      <EmptyState
        icon={<IconUserPlus />}
        title={t('registration.nobody')}
        text={t('registration.nobodyText')}
      />
    );
  }
  return (
    <Stack gap="sm">
      <Group justify="space-between" gap="sm">
        <Text size="sm" fw={600} role="status">
          {t('registration.counts', { registered: last.registered, came: last.came })}
        </Text>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() => void download(() => calls.exportRegistrants(cid), `${cid}-registrants.csv`)}
        >
          {t('registration.export')}
        </Button>
      </Group>
      <Group>
        <Search label={t('registration.search')} value={search} onChange={(text) => setSearch(text ?? '')} />
      </Group>
      <Table verticalSpacing="sm" aria-label={t('registration.list')}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('registration.who')}</Table.Th>
            <Table.Th w={170}>{t('registration.when')}</Table.Th>
            <Table.Th w={44} aria-label={t('registration.acts')} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Row key={row.id} row={row} conference={conference} remove={() => remove(row)} />
          ))}
        </Table.Tbody>
      </Table>
      {rows.length === 0 && (
        <Text size="sm" c="dimmed" ta="center">
          {t('common:state.nothingFound')}
        </Text>
      )}
      {found.hasNextPage && (
        <Button
          size="xs"
          variant="default"
          loading={found.isFetchingNextPage}
          onClick={() => void found.fetchNextPage()}
          style={{ alignSelf: 'center' }}
        >
          {t('registration.more')}
        </Button>
      )}
      <Confirm
        opened={!!removing}
        close={() => remove(null)}
        title={t('registration.removeTitle', { name: removing?.name })}
        verb={t('registration.removeVerb')}
        act={async () => {
          await calls.removeRegistrant(cid, removing!.id);
          await cache.invalidateQueries({ queryKey: ['conferences', 'registrants', cid] });
          tell(t('registration.removed', { name: removing!.name }));
        }}
      >
        {t('registration.removeText', { name: removing?.name })}
      </Confirm>
    </Stack>
  );
}

interface RowProps {
  row: Registrant;
  conference: Conference;
  remove: () => void;
}

function Row({ row, conference, remove }: RowProps) {
  const { t } = useAdminText();
  const fields = conference.settings.registration?.fields ?? [];
  const answer = (id: number) => row.answers.find(({ field }) => field === id)?.value;
  const given = STANDARD.filter((field) => row[field]).map((field) => row[field]);
  const own = fields.flatMap(({ id, label, kind }) => {
    const value = answer(id!);
    if (!value) return [];
    const told = kind !== 'yes_no' ? value : t(value === 'yes' ? 'registration.yes' : 'registration.no');
    return [`${label}: ${told}`];
  });
  return (
    <Table.Tr>
      <Table.Td className={classes.given}>
        <Text size="sm" fw={500}>
          {row.name}
        </Text>
        {given.length > 0 && (
          <Text size="xs" c="dimmed">
            {given.join(' · ')}
          </Text>
        )}
        {own.map((line) => (
          <Text key={line} size="xs" c="dimmed">
            {line}
          </Text>
        ))}
      </Table.Td>
      <Table.Td>
        <Text size="xs">{exactTime(row.registered_at)}</Text>
        <Badge variant="default" tt="none" fw={500} mt={4}>
          {t(row.came_at ? 'registration.came' : 'registration.notCome')}
        </Badge>
      </Table.Td>
      <Table.Td>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t('registration.remove', { name: row.name })}
          onClick={remove}
        >
          <IconTrash size={16} aria-hidden />
        </ActionIcon>
      </Table.Td>
    </Table.Tr>
  );
}
