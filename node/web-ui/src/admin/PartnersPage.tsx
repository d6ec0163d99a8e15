import { Alert, Anchor, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { IconAlertTriangle, IconInfoCircle, IconPlus, IconWorld } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { calls } from '../api/calls';
import { Problem } from '../api/problem';
import { queries } from '../api/queries';
import type { Partner } from '../api/types';
import { useClose } from '../ui/Confirm';
import { DataTable, type Column } from '../ui/DataTable';
import { Page } from '../ui/Page';
import { Sheet } from '../ui/Sheet';
import { EmptyState, ErrorState, Loading } from '../ui/States';
import { Status } from '../ui/Status';
import { fieldErrors, number, problemText, quantity, useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { useAddress } from '../ui/useAddress';
import { useMayChange } from '../ui/useMe';
import { byNeed, partnerTones } from './partner';
import { Expiry, PartnerDetails } from './PartnerSheet';

const route = getRouteApi('/_app/admin/partners');

/** Servers of other enterprises: how they are, and what is written down of them. */
export function PartnersPage() {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const partners = useQuery(queries.partners());
  const settings = useQuery(queries.settings());
  const { said, set, go } = useAddress(route);
  const { partner: server, create } = said;
  const columns = useColumns();
  const rows = byNeed(partners.data?.items ?? []);
  const open = rows.find((row) => row.server === server);
  const add = mayChange && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => go({ create: true })}>
      {t('partners.add')}
    </Button>
  );
  const off = settings.data?.federation.mode === 'off';
  return (
    <Page fill title={t('common:nav.partners')} purpose={t('partners.purpose')} action={add}>
      {partners.error && <ErrorState error={partners.error} retry={() => void partners.refetch()} />}
      {partners.data && !partners.data.licensed ? (
        <Hint icon={<IconAlertTriangle />} color="yellow" title={t('partners.notLicensed')}>
          {t('partners.notLicensedText')}{' '}
          <Anchor
            size="sm"
            c="inherit"
            underline="always"
            renderRoot={(props) => <Link to="/admin/licence" {...props} />}
          >
            {t('common:nav.licence')}
          </Anchor>
        </Hint>
      ) : off ? (
        <Hint icon={<IconInfoCircle />} color="indigo" title={t('partners.off')}>
          {t('partners.offText')}{' '}
          <Anchor
            size="sm"
            c="inherit"
            underline="always"
            renderRoot={(props) => <Link to="/admin/settings" hash="federation" {...props} />}
          >
            {t('common:nav.settings')}
          </Anchor>
        </Hint>
      ) : null}
      {(partners.data || !partners.error) && (
        <DataTable
          name="partners"
          label={t('common:nav.partners')}
          columns={columns}
          rows={rows}
          total={rows.length}
          rowKey={(row) => row.server}
          rowHeight={60}
          onOpen={(row) => go({ partner: row.server })}
          active={server}
          loading={partners.isPending}
          empty={
            <EmptyState
              icon={<IconWorld />}
              title={t('partners.empty')}
              text={t('partners.emptyText')}
              action={add}
            />
          }
        />
      )}
      <Modal
        opened={!!create && mayChange}
        onClose={() => set({ create: undefined })}
        title={t('partners.add')}
        closeButtonProps={useClose()}
      >
        <AddPartner
          close={() => set({ create: undefined })}
          added={(partner) => set({ create: undefined, partner })}
        />
      </Modal>
      {server && (
        <Sheet
          title={
            <Text fw={650} truncate>
              {server}
            </Text>
          }
          close={() => set({ partner: undefined })}
        >
          {open && settings.data ? (
            <PartnerDetails
              key={open.server}
              partner={open}
              usual={settings.data.partner_terms}
              close={() => set({ partner: undefined })}
            />
          ) : partners.isPending || settings.isPending ? (
            <Loading rows={4} />
          ) : (
            <EmptyState icon={<IconWorld />} title={t('partners.gone')} text={t('partners.goneText')} />
          )}
        </Sheet>
      )}
    </Page>
  );
}

function Hint({
  icon,
  color,
  title,
  children,
}: {
  icon: ReactNode;
  color: string;
  title: string;
  children: ReactNode;
}) {
  return (
    <Alert mb="sm" variant="light" color={color} icon={icon} title={title}>
      {children}
    </Alert>
  );
}

function AddPartner({ close, added }: { close: () => void; added: (server: string) => void }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const [server, setServer] = useState('');
  const name = server.trim();
  const add = useMutation({
    // Nothing of it may be written down yet.
    mutationFn: () => calls.putPartner(name, {}, '0'),
    onSuccess: async (partner) => {
      await cache.invalidateQueries({ queryKey: ['settings', 'partners'] });
      added(partner.server);
    },
  });
  // The name stands in the address: what is none is not found there.
  const isNone = add.error instanceof Problem && add.error.code === 'not-found';
  const wrong = isNone
    ? t('partners.serverWrong')
    : add.error && (fieldErrors(add.error).server ?? problemText(add.error));
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (name) add.mutate();
      }}
    >
      <Stack>
        <TextInput
          data-autofocus
          label={t('partners.server')}
          description={t('partners.serverHint')}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          placeholder={t('partner.example')}
          maxLength={253}
          autoCapitalize="none"
          spellCheck={false}
          error={wrong}
          value={server}
          onChange={(event) => setServer(event.currentTarget.value)}
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            {t('common:action.cancel')}
          </Button>
          <Button type="submit" loading={add.isPending} disabled={!name}>
            {t('partners.addVerb')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function useColumns(): Column<Partner>[] {
  const { t } = useAdminText();
  const nothing = '–';
  return [
    {
      id: 'server',
      header: t('partners.server'),
      width: 'minmax(0, 1.6fr)',
      cell: ({ server, note }) => (
        <div>
          <Text
            renderRoot={(props) => <Link to="/admin/partners" search={{ partner: server }} {...props} />}
            size="sm"
            fw={600}
            c="inherit"
            td="none"
            truncate
          >
            {server}
          </Text>
          {note && (
            <Text size="xs" c="dimmed" truncate>
              {note}
            </Text>
          )}
        </div>
      ),
    },
    {
      id: 'state',
      header: t('partners.stateHeader'),
      width: 'minmax(150px, 1fr)',
      cell: ({ state }) => <Status tone={partnerTones[state]}>{t(`partners.state.${state}`)}</Status>,
    },
    {
      id: 'reached',
      header: t('partners.reached'),
      width: '150px',
      from: 'sm',
      cell: ({ seen }) => (seen?.reached_at ? <Time at={seen.reached_at} size="sm" /> : nothing),
    },
    {
      id: 'certificate',
      header: t('partners.expires'),
      width: '170px',
      from: 'md',
      cell: ({ seen }) =>
        seen?.certificate ? (
          <Expiry at={seen.certificate.expires_at} soon={seen.certificate_expires} />
        ) : (
          nothing
        ),
    },
    {
      id: 'roundTrip',
      header: t('partners.roundTrip'),
      width: '110px',
      from: 'md',
      cell: ({ seen }) =>
        seen === null || seen.round_trip_ms === null
          ? nothing
          : quantity(seen.round_trip_ms, 'millisecond', 0),
    },
    {
      id: 'users',
      header: t('partners.people'),
      width: '110px',
      from: 'lg',
      cell: ({ seen }) => (seen ? number(seen.users + seen.own_users) : nothing),
    },
    {
      id: 'waiting',
      header: t('partners.waitingHeader'),
      width: '110px',
      from: 'lg',
      cell: ({ waiting }) => (waiting > 0 ? number(waiting) : nothing),
    },
  ];
}
