import { Alert, Button, Group, Stack, Tabs, Text } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { calls } from '../api/calls';
import { Problem } from '../api/problem';
import { queries } from '../api/queries';
import type { User } from '../api/types';
import { Confirm } from '../ui/Confirm';
import { Face } from '../ui/Face';
import { tell, tellProblem } from '../ui/notify';
import { Sheet } from '../ui/Sheet';
import { EmptyState, ErrorState, Loading } from '../ui/States';
import { PresenceStatus } from '../ui/Status';
import { useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { useMayChange } from '../ui/useMe';
import { UserAccess } from './UserAccess';
import { UserContacts } from './UserContacts';
import { UserDevices } from './UserDevices';
import { UserHistory } from './UserHistory';
import { UserProfile } from './UserProfile';

const route = getRouteApi('/_app/admin/users/$id');

/** One account: everything about it, at an address of its own. */
export function UserSheet() {
  const { t } = useAdminText();
  const { id } = route.useParams();
  const navigate = route.useNavigate();
  const user = useQuery(queries.user(id));
  const close = () => void navigate({ to: '/admin/users', search: (now) => now });
  const gone = user.error instanceof Problem && user.error.code === 'not-found';
  return (
    <Sheet title={user.data ? <Heading user={user.data} /> : id} close={close}>
      {gone ? (
        <EmptyState icon={<IconLock />} title={t('user.gone')} text={t('user.goneText', { id })} />
      ) : user.data ? (
        <Body key={user.data.id} user={user.data} close={close} />
      ) : user.error ? (
        <ErrorState error={user.error} retry={() => void user.refetch()} />
      ) : (
        <Loading rows={8} />
      )}
    </Sheet>
  );
}

function Heading({ user }: { user: User }) {
  return (
    <Group gap="sm" wrap="nowrap">
      <Face
        name={user.display_name}
        size={44}
        picture={
          user.has_avatar
            ? { key: [user.id, user.revision], load: (signal) => calls.userAvatar(user.id, signal) }
            : undefined
        }
      />
      <div style={{ minWidth: 0 }}>
        <Text fw={650} truncate>
          {user.display_name}
        </Text>
        <Text size="xs" c="dimmed" truncate>
          {user.user_id}
        </Text>
      </div>
    </Group>
  );
}

function Body({ user, close }: { user: User; close: () => void }) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  return (
    <Stack gap="md">
      <Group justify="space-between" gap="sm">
        <PresenceStatus presence={user.presence} />
        <Text size="xs" c="dimmed">
          {t('user.changed')} <Time at={user.updated_at} />
        </Text>
      </Group>
      {user.locked_until && <Locked user={user} />}
      {!user.has_password && (
        <Alert color="yellow" variant="light">
          {t('user.noPassword')}
        </Alert>
      )}
      {mayChange && <Actions user={user} close={close} />}
      <Tabs defaultValue="profile" keepMounted={false}>
        <Tabs.List mb="md" className="tabs">
          <Tabs.Tab value="profile">{t('user.profile')}</Tabs.Tab>
          <Tabs.Tab value="access">{t('user.access')}</Tabs.Tab>
          <Tabs.Tab value="devices">{t('user.devices')}</Tabs.Tab>
          <Tabs.Tab value="contacts">{t('user.contacts')}</Tabs.Tab>
          <Tabs.Tab value="history">{t('user.history')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="profile">
          <UserProfile user={user} />
        </Tabs.Panel>
        <Tabs.Panel value="access">
          <UserAccess user={user} />
        </Tabs.Panel>
        <Tabs.Panel value="devices">
          <UserDevices user={user} />
        </Tabs.Panel>
        <Tabs.Panel value="contacts">
          <UserContacts user={user} />
        </Tabs.Panel>
        <Tabs.Panel value="history">
          <UserHistory user={user} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Locked({ user }: { user: User }) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const cache = useQueryClient();
  const unlock = useMutation({
    mutationFn: () => calls.unlockUser(user.id),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ['users'] });
      tell(t('user.unlocked', { name: user.display_name }));
    },
    onError: tellProblem,
  });
  return (
    <Alert color="yellow" icon={<IconLock />} title={t('user.locked')}>
      <Group justify="space-between" gap="xs">
        <Text size="sm">
          {t('user.lockedUntil')} <Time at={user.locked_until!} />
        </Text>
        {mayChange && (
          <Button size="xs" variant="default" loading={unlock.isPending} onClick={() => unlock.mutate()}>
            {t('user.unlock')}
          </Button>
        )}
      </Group>
    </Alert>
  );
}

function Actions({ user, close }: { user: User; close: () => void }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const [asking, ask] = useState<'disable' | 'delete' | 'disconnect' | null>(null);
  const name = user.display_name;
  const refresh = () => cache.invalidateQueries({ queryKey: ['users'] });
  const setActive = async (active: boolean) => {
    cache.setQueryData(queries.user(user.id).queryKey, await calls.updateUser(user.id, { active }));
    await refresh();
    tell(t(active ? 'user.enabled' : 'user.disabled', { name }));
  };
  const stop = () => ask(null);
  return (
    <Group gap="xs">
      {user.active ? (
        <Button size="xs" variant="default" onClick={() => ask('disable')}>
          {t('user.disable')}
        </Button>
      ) : (
        <Button size="xs" variant="default" onClick={() => void setActive(true).catch(tellProblem)}>
          {t('user.enable')}
        </Button>
      )}
      <Button size="xs" variant="default" onClick={() => ask('disconnect')}>
        {t('user.disconnect')}
      </Button>
      <Button size="xs" variant="light" color="red" onClick={() => ask('delete')}>
        {t('user.delete')}
      </Button>
      <Confirm
        opened={asking === 'disable'}
        close={stop}
        title={t('user.disableTitle', { name })}
        verb={t('user.disable')}
        act={() => setActive(false)}
      >
        {t('user.disableText', { name })}
      </Confirm>
      <Confirm
        opened={asking === 'disconnect'}
        close={stop}
        title={t('user.disconnectTitle', { name })}
        verb={t('user.disconnect')}
        act={async () => {
          await calls.disconnectUser(user.id);
          await Promise.all([refresh(), cache.invalidateQueries({ queryKey: ['sessions', user.id] })]);
          tell(t('user.disconnected', { name }));
        }}
      >
        {t('user.disconnectText', { name })}
      </Confirm>
      <Confirm
        opened={asking === 'delete'}
        close={stop}
        title={t('user.deleteTitle', { name })}
        verb={t('user.delete')}
        typed={user.id}
        act={async () => {
          await calls.deleteUser(user.id);
          close();
          cache.removeQueries({ queryKey: queries.user(user.id).queryKey });
          await refresh();
          tell(t('user.deleted', { name }));
        }}
      >
        {t('user.deleteText', { name })}
      </Confirm>
    </Group>
  );
}
