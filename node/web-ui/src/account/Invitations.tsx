import { ActionIcon, Badge, Button, Group, Stack, Text, Title } from '@mantine/core';
import { IconDoorEnter, IconX } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { PartnerInvitation } from '../api/types';
import { startText } from '../conferences/startText';
import { Confirm } from '../ui/Confirm';
import { ErrorState } from '../ui/States';
import { useAdminText } from '../ui/text';

/** Conferences of other servers to which one is invited; nothing where there are none. */
export function Invitations({ search = '' }: { search?: string }) {
  const { t } = useAdminText();
  const invitations = useQuery(queries.invitations());
  const wanted = search.trim().toLowerCase();
  const shown = (invitations.data ?? []).filter(({ name, id }) =>
    `${name} ${id}`.toLowerCase().includes(wanted),
  );
  if (invitations.error) {
    return <ErrorState error={invitations.error} retry={() => void invitations.refetch()} />;
  }
  if (shown.length === 0) return null;
  return (
    <section>
      <Title order={3} size="h5" mb={4} id="invitations">
        {t('common:invitations.title')}
      </Title>
      <Stack
        component="ul"
        gap={4}
        m={0}
        p={0}
        mah={280}
        style={{ listStyle: 'none', overflowY: 'auto' }}
        aria-labelledby="invitations"
      >
        {shown.map((invitation) => (
          <li key={invitation.id}>
            <Row {...invitation} />
          </li>
        ))}
      </Stack>
    </section>
  );
}

function Row(invitation: PartnerInvitation) {
  const { t, i18n } = useAdminText();
  const cache = useQueryClient();
  const [asking, ask] = useState(false);
  const { id, name, owner_name, server, moderates, opening, start } = invitation;
  const when = () => {
    if (opening === 'virtual_room') return t('conferences.always');
    if (opening === 'by_hand') return t('conferences.byHand');
    return start ? startText(start, i18n.language) : t('conferences.past');
  };
  return (
    <Group justify="space-between" gap="sm" wrap="nowrap" py={6}>
      <div style={{ minWidth: 0 }}>
        <Text size="sm" fw={600} truncate>
          {name}
        </Text>
        <Text size="xs" c="dimmed" truncate>
          {t('common:invitations.of', { owner: owner_name, server })} · {when()}
        </Text>
      </div>
      <Group gap="sm" wrap="nowrap">
        {moderates && (
          <Badge variant="default" visibleFrom="xs" tt="none" fw={500}>
            {t('common:invitations.moderates')}
          </Badge>
        )}
        <Button
          size="xs"
          renderRoot={(props) => <Link to="/m/$cid" params={{ cid: id }} {...props} />}
          leftSection={<IconDoorEnter size={16} aria-hidden />}
          aria-label={t('common:join.one', { name })}
        >
          {t('common:join.action')}
        </Button>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t('common:invitations.declineOne', { name })}
          onClick={() => ask(true)}
        >
          <IconX size={16} aria-hidden />
        </ActionIcon>
      </Group>
      <Confirm
        opened={asking}
        close={() => ask(false)}
        title={t('common:invitations.declineTitle', { name })}
        verb={t('common:invitations.decline')}
        act={async () => {
          await calls.declineInvitation(id);
          await cache.invalidateQueries({ queryKey: queries.invitations().queryKey });
        }}
      >
        {t('common:invitations.declineText', { server })}
      </Confirm>
    </Group>
  );
}
