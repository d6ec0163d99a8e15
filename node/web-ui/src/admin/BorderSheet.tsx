import { Alert, Button, Group, Stack, Table, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconWall } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { BorderController, BorderRefused } from '../api/types';
import { Confirm } from '../ui/Confirm';
import { Facts } from '../ui/Facts';
import { tell } from '../ui/notify';
import { Sheet } from '../ui/Sheet';
import { EmptyState } from '../ui/States';
import { Status } from '../ui/Status';
import { bytes, number, textOf, useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { useMayChange } from '../ui/useMe';
import { isNarrow, standing, standingTones } from './border';
import { BorderSources } from './BorderSources';

interface Props {
  name: string;
  controller: BorderController | undefined;
  close: () => void;
}

/** One Border Controller: how it is, what it carried and refused. */
export function BorderSheet({ name, controller, close }: Props) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  return (
    <Sheet title={<Text fw={650}>{name}</Text>} close={close}>
      {controller ? (
        <Stack gap="md">
          <Status tone={standingTones[standing(controller)]}>
            {t(`border.standing.${standing(controller)}`)}
          </Status>
          {controller.tunnel.trouble && (
            <Alert color="yellow" icon={<IconAlertTriangle />} title={t('border.trouble')}>
              {controller.tunnel.trouble}
            </Alert>
          )}
          {isNarrow(controller) && (
            <Alert color="yellow" icon={<IconAlertTriangle />} title={t('border.narrow')}>
              {t('border.narrowText', {
                mtu: number(controller.tunnel.mtu_bytes ?? 0),
                wanted: number(controller.tunnel.mtu_wanted_bytes),
              })}
            </Alert>
          )}
          {mayChange && <Remove name={name} close={close} />}
          <Vitals controller={controller} />
          <Sources controller={controller} />
          <Refused id="border-refused" title={t('border.refused')} rows={controller.tunnel.refused} />
          <Refused id="border-dropped" title={t('border.dropped')} rows={controller.tunnel.media.dropped} />
          <Text size="xs" c="dimmed">
            {t('border.seenFrom')}
          </Text>
        </Stack>
      ) : (
        <EmptyState icon={<IconWall />} title={t('border.gone')} text={t('border.goneText', { name })} />
      )}
    </Sheet>
  );
}

function Vitals({ controller }: { controller: BorderController }) {
  const { t } = useAdminText();
  const { tunnel } = controller;
  const time = (at: string | null) => at && <Time key={at} at={at} />;
  return (
    <Facts
      facts={[
        [t('border.address'), controller.address],
        [t('border.tokenUntil'), time(controller.token_expires_at)],
        [t('border.since'), time(controller.since)],
        [t('border.upSince'), time(tunnel.up_since)],
        [t('border.certificateUntil'), time(tunnel.certificate_expires_at)],
        [t('border.version'), tunnel.version],
        [t('border.tunnels'), number(tunnel.tunnels)],
        [t('border.mtu'), tunnel.mtu_bytes && t('border.mtuBytes', { mtu: number(tunnel.mtu_bytes) })],
        [t('border.policySince'), time(tunnel.policy_changed_at)],
        [t('border.flows'), number(tunnel.flows)],
        [t('border.flowsBegun'), number(tunnel.flows_begun)],
        [t('border.received'), bytes(tunnel.received_bytes)],
        [t('border.sent'), bytes(tunnel.sent_bytes)],
        [t('border.mediaFlows'), number(tunnel.media.flows)],
        [t('border.mediaReceived'), bytes(tunnel.media.received_bytes)],
        [t('border.mediaSent'), bytes(tunnel.media.sent_bytes)],
      ]}
    />
  );
}

function Sources({ controller }: { controller: BorderController }) {
  const mayChange = useMayChange();
  const navigate = useNavigate();
  const settings = useQuery(queries.settings());
  const toSettings = (network: string) =>
    void navigate({ to: '/admin/settings', search: { deny: network }, hash: 'border' });
  return (
    <BorderSources
      rows={controller.tunnel.sources}
      denied={settings.data?.border.deny ?? []}
      keepOut={mayChange ? toSettings : undefined}
    />
  );
}

function Refused({ id, title, rows }: { id: string; title: string; rows: BorderRefused[] }) {
  const { t } = useAdminText();
  const refused = [...rows].sort((a, b) => b.count - a.count);
  if (refused.length === 0) return null;
  return (
    <section aria-labelledby={id}>
      <Title order={3} size="h5" id={id} mb={4}>
        {title}
      </Title>
      <Table aria-labelledby={id}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('border.reason')}</Table.Th>
            <Table.Th ta="right">{t('border.count')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {refused.map(({ reason, count }) => (
            <Table.Tr key={reason}>
              <Table.Th scope="row" fw={400}>
                {textOf(`admin:border.refusal.${reason.replaceAll('_', '-')}`, reason)}
              </Table.Th>
              <Table.Td ta="right">{number(count)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}

function Remove({ name, close }: { name: string; close: () => void }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const [asking, ask] = useState(false);
  return (
    <Group>
      <Button size="xs" variant="light" color="red" onClick={() => ask(true)}>
        {t('border.remove')}
      </Button>
      <Confirm
        opened={asking}
        close={() => ask(false)}
        title={t('border.removeTitle', { name })}
        verb={t('border.remove')}
        typed={name}
        act={async () => {
          await calls.removeBorderController(name);
          await cache.invalidateQueries({ queryKey: ['settings', 'border-controllers'] });
          tell(t('border.removed', { name }));
          close();
        }}
      >
        {t('border.removeText', { name })}
      </Confirm>
    </Group>
  );
}
