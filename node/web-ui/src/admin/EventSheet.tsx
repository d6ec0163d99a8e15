import { Stack, Table, Text, Title } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries';
import type { LogEvent } from '../api/types';
import { deviceName } from '../ui/DeviceList';
import { Facts } from '../ui/Facts';
import { Sheet } from '../ui/Sheet';
import { EmptyState, Loading } from '../ui/States';
import { exactTime, useAdminText } from '../ui/text';
import { EventStatus } from './EventStatus';
import { aboutOf, actorOf, descriptionOf, fieldOf, isSecret, valueOf } from './eventText';
import { groupName } from './groupName';

interface Props {
  event: LogEvent | undefined;
  loading: boolean;
  close: () => void;
}

/** One event with everything that is known of it. */
export function EventSheet({ event, loading, close }: Props) {
  const { t } = useAdminText();
  return (
    <Sheet
      title={<Text fw={650}>{event ? t(`eventKind.${event.kind}`) : t('events.one')}</Text>}
      close={close}
    >
      {event ? (
        <Body event={event} />
      ) : loading ? (
        <Loading />
      ) : (
        <EmptyState icon={<IconHistory />} title={t('events.gone')} text={t('events.goneText')} />
      )}
    </Sheet>
  );
}

function Body({ event }: { event: LogEvent }) {
  const { t } = useAdminText();
  const groups = useQuery(queries.allGroups());
  const names = new Map(groups.data?.map((group) => [group.id, groupName(group)]));
  return (
    <Stack gap="lg">
      <EventStatus event={event} />
      <Facts
        facts={[
          [t('events.at'), exactTime(event.at)],
          [t('events.object'), aboutOf(event)],
          [t('events.actor'), actorOf(event)],
          [t('events.what'), descriptionOf(event)],
          [t('events.address'), event.address],
          [t('events.device'), deviceName(event.user_agent)],
          [t('events.number'), event.id],
        ]}
      />
      {event.changes.length > 0 && (
        <section>
          <Title order={2} size="h3" mb="xs">
            {t('events.changes')}
          </Title>
          <Table verticalSpacing={6} layout="fixed" style={{ overflowWrap: 'anywhere' }}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th w="30%">{t('common:changes.field')}</Table.Th>
                <Table.Th>{t('common:changes.before')}</Table.Th>
                <Table.Th>{t('common:changes.after')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {event.changes.map((change, place) => (
                <Table.Tr key={place}>
                  <Table.Td fw={500}>{fieldOf(event, change.field)}</Table.Td>
                  {isSecret(change) ? (
                    <Table.Td colSpan={2} c="dimmed">
                      {t('events.secret')}
                    </Table.Td>
                  ) : (
                    <>
                      <Table.Td c="dimmed">{valueOf(change.before, change.field, names)}</Table.Td>
                      <Table.Td>{valueOf(change.after, change.field, names)}</Table.Td>
                    </>
                  )}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </section>
      )}
    </Stack>
  );
}
