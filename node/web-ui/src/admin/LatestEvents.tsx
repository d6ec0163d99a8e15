import { Anchor, Card, Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { queries } from '../api/queries';
import { ErrorState, Loading } from '../ui/States';
import { useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { EventStatus } from './EventStatus';
import { whoAndWhat } from './eventText';

/** What happened last, to catch the eye. */
export function LatestEvents() {
  const { t } = useAdminText();
  const events = useQuery(queries.latestEvents(6));
  return (
    <Card withBorder padding="lg" component="section" aria-labelledby="latest">
      <Group justify="space-between" mb="sm" gap="xs">
        <Title order={2} size="h3" id="latest">
          {t('summary.latest')}
        </Title>
        <Anchor size="sm" renderRoot={(props) => <Link to="/admin/events" {...props} />}>
          {t('summary.allEvents')}
        </Anchor>
      </Group>
      {events.data ? (
        <Stack gap="sm" component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
          {events.data.items.map((event) => (
            <li key={event.id}>
              <Group justify="space-between" gap="xs" wrap="nowrap">
                <EventStatus event={event} />
                <Time at={event.at} size="xs" c="dimmed" style={{ flex: 'none' }} />
              </Group>
              <Text size="xs" c="dimmed" truncate>
                {whoAndWhat(event)}
              </Text>
            </li>
          ))}
          {events.data.items.length === 0 && (
            <Text size="sm" c="dimmed" component="li">
              {t('events.empty')}
            </Text>
          )}
        </Stack>
      ) : events.error ? (
        <ErrorState error={events.error} retry={() => void events.refetch()} />
      ) : (
        <Loading rows={4} />
      )}
    </Card>
  );
}
