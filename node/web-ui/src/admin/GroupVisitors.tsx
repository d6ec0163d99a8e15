import { Anchor, Group, Stack, Text } from '@mantine/core';
import { IconUsers } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { queries } from '../api/queries';
import { EmptyState, ErrorState, Loading } from '../ui/States';
import { useAdminText } from '../ui/text';
import { Time } from '../ui/Time';

/** Whoever belongs to a group while they are in a conference: guests, and people of partners' servers (USR-04). */
export function GroupVisitors({ group }: { group: string }) {
  const { t } = useAdminText();
  const inside = useQuery(queries.groupVisitors(group));
  if (inside.error) return <ErrorState error={inside.error} retry={() => void inside.refetch()} />;
  if (!inside.data) return <Loading rows={3} height={40} />;
  if (inside.data.length === 0) {
    return <EmptyState icon={<IconUsers />} title={t('group.noVisitors')} text={t('group.noVisitorsText')} />;
  }
  return (
    <Stack component="ul" gap={4} m={0} p={0} style={{ listStyle: 'none' }} aria-label={t('groups.members')}>
      {inside.data.map((one) => (
        <Group
          component="li"
          key={`${one.id} ${one.cid} ${one.came_at}`}
          justify="space-between"
          gap="sm"
          wrap="nowrap"
          py={4}
        >
          <div style={{ minWidth: 0 }}>
            <Text size="sm" fw={500} truncate>
              {one.name}
            </Text>
            <Text size="xs" c="dimmed" truncate>
              {one.waiting ? t('group.visitorWaits') : t('group.visitorIn')}{' '}
              <Anchor
                inherit
                renderRoot={(props) => (
                  <Link to="/admin/conferences" search={{ conference: one.cid }} {...props} />
                )}
              >
                {one.conference}
              </Anchor>
            </Text>
          </div>
          <Time at={one.came_at} size="xs" c="dimmed" style={{ flex: 'none' }} />
        </Group>
      ))}
    </Stack>
  );
}
