import { Button, Text } from '@mantine/core';
import { IconPlus, IconWall } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { queries } from '../api/queries';
import type { BorderController } from '../api/types';
import { DataTable, type Column } from '../ui/DataTable';
import { Page } from '../ui/Page';
import { EmptyState, ErrorState } from '../ui/States';
import { Status } from '../ui/Status';
import { bytes, number, useAdminText } from '../ui/text';
import { useMayChange } from '../ui/useMe';
import { refusedInAll, standing, standingTones } from './border';
import { BorderSheet } from './BorderSheet';
import { InviteBorder } from './InviteBorder';

const route = getRouteApi('/_app/admin/border');

/** The programs in the DMZ through which the outside reaches this server. */
export function BorderPage() {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const { data, error, refetch, isPending } = useQuery(queries.borderControllers());
  const { controller, invite } = route.useSearch();
  const navigate = route.useNavigate();
  const columns = useColumns();
  const button = mayChange && (
    <Button
      leftSection={<IconPlus size={16} aria-hidden />}
      onClick={() => void navigate({ search: (now) => ({ ...now, invite: true }) })}
    >
      {t('border.invite')}
    </Button>
  );
  return (
    <Page fill title={t('common:nav.border')} purpose={t('border.purpose')} action={button}>
      {error && <ErrorState error={error} retry={() => void refetch()} />}
      {(data || !error) && (
        <DataTable
          name="border"
          label={t('common:nav.border')}
          columns={columns}
          rows={data?.items ?? []}
          total={data?.items.length ?? 0}
          rowKey={(row) => row.name}
          rowHeight={60}
          onOpen={(row) => void navigate({ search: (now) => ({ ...now, controller: row.name }) })}
          active={controller}
          loading={isPending}
          empty={<EmptyState icon={<IconWall />} title={t('border.empty')} text={t('border.emptyText')} />}
        />
      )}
      <InviteBorder
        opened={!!invite && mayChange}
        close={() => void navigate({ search: (now) => ({ ...now, invite: undefined }), replace: true })}
      />
      {controller && data && (
        <BorderSheet
          name={controller}
          controller={data.items.find((one) => one.name === controller)}
          close={() => void navigate({ search: (now) => ({ ...now, controller: undefined }) })}
        />
      )}
    </Page>
  );
}

function useColumns(): Column<BorderController>[] {
  const { t } = useAdminText();
  return [
    {
      id: 'name',
      header: t('border.name'),
      width: 'minmax(0, 1.6fr)',
      cell: (one) => (
        <div>
          <Text
            renderRoot={(props) => <Link to="/admin/border" search={{ controller: one.name }} {...props} />}
            size="sm"
            fw={600}
            c="inherit"
            td="none"
            truncate
          >
            {one.name}
          </Text>
          <Text size="xs" c="dimmed" truncate>
            {one.address}
          </Text>
        </div>
      ),
    },
    {
      id: 'state',
      header: t('border.state'),
      width: '190px',
      cell: (one) => (
        <Status tone={standingTones[standing(one)]}>{t(`border.standing.${standing(one)}`)}</Status>
      ),
    },
    {
      id: 'flows',
      header: t('border.flows'),
      width: '150px',
      from: 'sm',
      cell: (one) => number(one.tunnel.flows),
    },
    {
      id: 'bytes',
      header: t('border.bytes'),
      width: 'minmax(0, 1fr)',
      from: 'md',
      cell: (one) =>
        t('border.inOut', { in: bytes(one.tunnel.received_bytes), out: bytes(one.tunnel.sent_bytes) }),
    },
    {
      id: 'refused',
      header: t('border.refused'),
      width: '120px',
      from: 'md',
      cell: (one) => number(refusedInAll(one)),
    },
    {
      id: 'version',
      header: t('border.version'),
      width: '90px',
      from: 'lg',
      cell: (one) => one.tunnel.version || '–',
    },
  ];
}
