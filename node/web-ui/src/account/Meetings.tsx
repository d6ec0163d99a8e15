import { Badge, Button, Card, Group, Stack, Text, Title } from '@mantine/core';
import { IconDoorEnter } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries';
import { ErrorState, Loading } from '../ui/States';
import { useList } from '../ui/useList';
import { JoinById } from './JoinById';

/** The rooms of this server, and the way into one whose ID one knows. */
export function Meetings() {
  const { t } = useTranslation();
  const list = useList(queries.conferences({ sort: 'name' }));
  return (
    <Card withBorder padding="lg">
      <Stack gap="md">
        <Title order={2}>{t('join.title')}</Title>
        <JoinById label={t('join.id')} />
        {list.loading && <Loading rows={2} />}
        {list.error && <ErrorState error={list.error} retry={list.retry} />}
        {list.rows.length > 0 && (
          <Stack
            component="ul"
            gap={4}
            m={0}
            p={0}
            style={{ listStyle: 'none' }}
            aria-label={t('join.rooms')}
          >
            {list.rows.map((room) => (
              <li key={room.cid}>
                <Group justify="space-between" gap="sm" wrap="nowrap" py={6}>
                  <div style={{ minWidth: 0 }}>
                    <Text size="sm" fw={600} truncate>
                      {room.name}
                    </Text>
                    <Text size="xs" c="dimmed" truncate>
                      {[room.cid, room.description].filter(Boolean).join(' · ')}
                    </Text>
                  </div>
                  <Group gap="sm" wrap="nowrap">
                    {room.access === 'public' && (
                      <Badge variant="default" visibleFrom="xs" tt="none" fw={500}>
                        {t('join.public')}
                      </Badge>
                    )}
                    <Button
                      size="xs"
                      renderRoot={(props) => <Link to="/m/$cid" params={{ cid: room.cid }} {...props} />}
                      leftSection={<IconDoorEnter size={16} aria-hidden />}
                      aria-label={t('join.one', { name: room.name })}
                    >
                      {t('join.action')}
                    </Button>
                  </Group>
                </Group>
              </li>
            ))}
          </Stack>
        )}
        {list.hasMore && (
          <Button variant="default" size="xs" onClick={list.loadMore} style={{ alignSelf: 'center' }}>
            {t('join.more')}
          </Button>
        )}
      </Stack>
    </Card>
  );
}
