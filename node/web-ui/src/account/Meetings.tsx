import { ActionIcon, Anchor, Badge, Button, Card, Group, Stack, Text, Title, Tooltip } from '@mantine/core';
import { IconDoorEnter, IconPlus, IconSettings } from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries';
import type { Conference } from '../api/types';
import { When } from '../conferences/When';
import { groupedCid } from '../ui/cid';
import { ErrorState, Loading } from '../ui/States';
import { useAddress } from '../ui/useAddress';
import { useList } from '../ui/useList';
import { useMe } from '../ui/useMe';
import { Invitations } from './Invitations';
import { JoinById } from './JoinById';

const route = getRouteApi('/_app/home');
const ConferenceSheet = lazy(() =>
  import('../conferences/ConferenceSheet').then((file) => ({ default: file.ConferenceSheet })),
);

/** Whether it is said when people meet there, and where; else they always may. */
const hasTime = ({ meeting, launch }: Conference) => meeting.participants > 0 || launch !== 'virtual_room';

/** The rooms of this server, and the way into one whose ID one knows. */
export function Meetings() {
  const { t } = useTranslation();
  const me = useMe();
  const { said, set, go } = useAddress(route);
  const list = useList(queries.conferences({ sort: 'stage' }));
  const mayCreate = me.rights.includes('create_conferences') || (me.admin === 'full' && me.administration);
  const close = () => set({ conference: undefined, create: undefined });
  return (
    <Card withBorder padding="lg">
      <Stack gap="md">
        <Group justify="space-between" wrap="nowrap">
          <Title order={2}>{t('join.title')}</Title>
          <Group gap="sm" wrap="nowrap">
            <Anchor size="sm" renderRoot={(props) => <Link to="/meetings" {...props} />}>
              {t('join.all')}
            </Anchor>
            {mayCreate && (
              <Button
                size="xs"
                variant="default"
                leftSection={<IconPlus size={16} aria-hidden />}
                onClick={() => go({ create: true })}
              >
                {t('join.create')}
              </Button>
            )}
          </Group>
        </Group>
        <JoinById label={t('join.id')} />
        <Invitations />
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
                    {hasTime(room) && <When conference={room} />}
                    <Text size="xs" c="dimmed" truncate>
                      {[groupedCid(room.cid), !hasTime(room) && room.settings.place, room.description]
                        .filter(Boolean)
                        .join(' · ')}
                    </Text>
                  </div>
                  <Group gap="sm" wrap="nowrap">
                    {room.access === 'public' && (
                      <Badge variant="default" visibleFrom="xs" tt="none" fw={500}>
                        {t('join.public')}
                      </Badge>
                    )}
                    {(room.owner === me.id ||
                      (room.moderates && (room.settings.registration || room.meeting.participants > 0))) && (
                      <Tooltip label={t('join.settings', { name: room.name })}>
                        <ActionIcon
                          variant="subtle"
                          color="gray"
                          aria-label={t('join.settings', { name: room.name })}
                          onClick={() => go({ conference: room.cid })}
                        >
                          <IconSettings size={16} aria-hidden />
                        </ActionIcon>
                      </Tooltip>
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
      {(said.conference || (said.create && mayCreate)) && (
        <Suspense>
          <ConferenceSheet
            key={said.create ? '' : said.conference}
            cid={said.create ? undefined : said.conference}
            own
            close={close}
          />
        </Suspense>
      )}
    </Card>
  );
}
