import { Button, Card, Group, SegmentedControl, Text, Title } from '@mantine/core';
import { IconArmchair, IconUserOff } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { ProSeat, Seats, WithoutPro } from '../api/types';
import { Confirm } from '../ui/Confirm';
import { Below } from '../ui/DataTable';
import { ListTable } from '../ui/ListTable';
import { tell } from '../ui/notify';
import { Search } from '../ui/Search';
import { Status } from '../ui/Status';
import { number, useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { useAddress } from '../ui/useAddress';
import { useList } from '../ui/useList';
import { useMayChange } from '../ui/useMe';
import classes from './SeatHolders.module.css';

const route = getRouteApi('/_app/admin/licence');

export const seatLists = ['temporary', 'permanent', 'refused', 'unserved'] as const;
export type SeatList = (typeof seatLists)[number];

/** Who has PRO and who got none. */
export function SeatHolders({ seats }: { seats: Seats }) {
  const { t } = useAdminText();
  const { said, set } = useAddress(route);
  const { search, list = 'temporary' } = said;
  const counts: Record<SeatList, number> = {
    temporary: seats.temporary,
    permanent: seats.permanent,
    refused: seats.without_temporary,
    unserved: seats.without_permanent,
  };
  return (
    <Card withBorder padding="lg" component="section" aria-label={t('seats.who')}>
      <Title order={2} size="h3" mb="sm">
        {t('seats.who')}
      </Title>
      <Group mb="sm" gap="sm">
        <SegmentedControl
          className={classes.lists}
          aria-label={t('seats.who')}
          value={list}
          onChange={(next) => set({ list: next as SeatList })}
          data={seatLists.map((value) => ({
            value,
            label: t('seats.listCount', { name: t(`seats.list.${value}`), count: number(counts[value]) }),
          }))}
        />
        <Search label={t('seats.search')} value={search} onChange={(search) => set({ search })} />
      </Group>
      <Text size="sm" c="dimmed" mb="sm">
        {t(`seats.listHint.${list}`)}
      </Text>
      <div className={classes.table}>
        {list === 'temporary' || list === 'permanent' ? (
          <Holders key={list} kind={list} search={search} />
        ) : (
          <Without key={list} kind={list === 'refused' ? 'temporary' : 'permanent'} search={search} />
        )}
      </div>
    </Card>
  );
}

function Name({ row }: { row: Pick<ProSeat, 'user' | 'display_name'> }) {
  return (
    <Text
      component={Link}
      to="/admin/users/$id"
      params={{ id: row.user } as never}
      size="sm"
      fw={500}
      c="inherit"
      td="none"
      truncate
    >
      {row.display_name || row.user}
    </Text>
  );
}

function Holders({ kind, search }: { kind: 'temporary' | 'permanent'; search?: string }) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const cache = useQueryClient();
  const [revoking, setRevoking] = useState<ProSeat | null>(null);
  const sort = kind === 'permanent' ? 'place' : 'until';
  const list = useList(queries.proSeats({ kind, search, sort }));
  const standing = (seat: ProSeat) => {
    if (seat.kind === 'ending') return <Status tone="warn">{t('seats.ending')}</Status>;
    if (seat.waiting) return <Status tone="warn">{t('seats.waiting')}</Status>;
    if (seat.places > 0) return <Status tone="good">{t('seats.inConference')}</Status>;
    if (seat.until)
      return (
        <Status tone="quiet">
          {t('seats.until')} <Time at={seat.until} />
        </Status>
      );
    return <Status tone="quiet">{t('seats.always')}</Status>;
  };
  return (
    <>
      <ListTable<ProSeat>
        label={t(`seats.list.${kind}`)}
        list={list}
        rowKey={(seat) => seat.user}
        icon={<IconArmchair />}
        none={search ? undefined : { title: t(`seats.none.${kind}`), text: t(`seats.noneText.${kind}`) }}
        columns={[
          {
            id: 'user',
            header: t('seats.user'),
            width: 'minmax(0, 1.4fr)',
            cell: (seat) => (
              <>
                <Name row={seat} />
                <Below>{seat.user}</Below>
              </>
            ),
          },
          {
            id: 'id',
            header: t('users.id'),
            width: 'minmax(0, 1fr)',
            from: 'sm',
            cell: (seat) => seat.user,
          },
          {
            id: 'until',
            header: t('seats.standing'),
            width: 'minmax(0, 1.4fr)',
            cell: standing,
          },
          ...(kind === 'temporary' && mayChange
            ? [
                {
                  id: 'revoke',
                  header: '',
                  width: '122px',
                  cell: (seat: ProSeat) =>
                    seat.kind === 'temporary' && (
                      <Button
                        size="compact-sm"
                        variant="default"
                        aria-label={t('seats.revokeOf', { name: seat.display_name || seat.user })}
                        onClick={() => setRevoking(seat)}
                      >
                        {t('seats.revoke')}
                      </Button>
                    ),
                },
              ]
            : []),
        ]}
      />
      <Confirm
        opened={!!revoking}
        close={() => setRevoking(null)}
        title={t('seats.revokeTitle', { name: revoking?.display_name || revoking?.user })}
        verb={t('seats.revoke')}
        act={async () => {
          await calls.revokePro(revoking!.user);
          await cache.invalidateQueries({ queryKey: ['licensing'] });
          tell(t('seats.revoked', { name: revoking!.display_name || revoking!.user }));
        }}
      >
        {t(revoking && revoking.places > 0 ? 'seats.revokeInConference' : 'seats.revokeText')}
      </Confirm>
    </>
  );
}

function Without({ kind, search }: { kind: 'temporary' | 'permanent'; search?: string }) {
  const { t } = useAdminText();
  const list = useList(queries.withoutPro({ kind, search, sort: kind === 'permanent' ? 'place' : '-since' }));
  const name = kind === 'permanent' ? 'unserved' : 'refused';
  return (
    <ListTable<WithoutPro>
      label={t(`seats.list.${name}`)}
      list={list}
      rowKey={(row) => row.user}
      icon={<IconUserOff />}
      none={search ? undefined : { title: t(`seats.none.${name}`), text: t(`seats.noneText.${name}`) }}
      columns={[
        {
          id: 'user',
          header: t('seats.user'),
          width: 'minmax(0, 1.4fr)',
          cell: (row) => (
            <>
              <Name row={row} />
              <Below>{row.user}</Below>
            </>
          ),
        },
        { id: 'id', header: t('users.id'), width: 'minmax(0, 1fr)', from: 'sm', cell: (row) => row.user },
        {
          id: 'since',
          header: t('seats.since'),
          width: 'minmax(0, 1.4fr)',
          cell: (row) => <Time at={row.since} size="sm" />,
        },
      ]}
    />
  );
}
