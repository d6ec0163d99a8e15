import { Badge, Button, Fieldset, Group, Modal, MultiSelect, Select, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import {
  rights as allRights,
  type AdminRole,
  type Bandwidth,
  type Group as UserGroup,
  type User,
} from '../api/types';
import { showBandwidth } from '../account/showBandwidth';
import { ChangesBar } from '../ui/ChangesBar';
import { useClose } from '../ui/Confirm';
import { Limits } from '../ui/Limits';
import { NewPassword } from '../ui/NewPassword';
import { tell, tellProblem } from '../ui/notify';
import { meets } from '../ui/policy';
import { useAdminText } from '../ui/text';
import { useDraft } from '../ui/useDraft';
import { useMayChange } from '../ui/useMe';
import { groupName } from './groupName';
import { useUserEdit } from './useUserEdit';

interface Access {
  groups: string[];
  admin: AdminRole;
  bandwidth: Bandwidth;
}

/** Groups, what follows from them, limits, role and password. */
export function UserAccess({ user }: { user: User }) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const groups = useQuery(queries.allGroups());
  const { admin, bandwidth, revision } = user;
  const draft = useDraft<Access>({ groups: user.groups, admin, bandwidth, revision });
  const save = useUserEdit(user, draft);
  const names = new Map(groups.data?.map((group) => [group.id, groupName(group)]));
  const show = (field: string, value: unknown) => {
    if (field === 'admin') return t(`adminRole.${value as AdminRole}`);
    if (field === 'bandwidth') return showBandwidth(value as Bandwidth);
    return (value as string[]).map((id) => names.get(id) ?? id).join(', ') || t('common:value.none');
  };
  return (
    <>
      <Stack gap="md">
        <Fieldset legend={t('user.groupsAndRights')}>
          <MultiSelect
            label={t('users.groups')}
            searchable
            readOnly={!mayChange}
            data={(groups.data ?? [])
              .filter((group) => !group.builtin || draft.value.groups.includes(group.id))
              .map((group) => ({ value: group.id, label: groupName(group) }))}
            value={draft.value.groups}
            onChange={(next) => draft.set('groups', next)}
          />
          {groups.data && <Effective groups={groups.data} chosen={draft.value.groups} />}
        </Fieldset>
        <Fieldset legend={t('user.bandwidth')}>
          <Limits
            value={draft.value.bandwidth}
            onChange={(next) => draft.set('bandwidth', next)}
            hint={t('user.bandwidthHint')}
            readOnly={!mayChange}
          />
        </Fieldset>
        <Fieldset legend={t('user.signIn')}>
          <Stack gap="sm">
            <Select
              label={t('users.admin')}
              description={t(`adminRole.${draft.value.admin}Hint`)}
              inputWrapperOrder={['label', 'input', 'description']}
              allowDeselect={false}
              readOnly={!mayChange}
              data={(['none', 'security', 'full'] as const).map((value) => ({
                value,
                label: t(`adminRole.${value}`),
              }))}
              value={draft.value.admin}
              onChange={(next) => next && draft.set('admin', next as AdminRole)}
            />
            {mayChange && <SetPassword user={user} />}
          </Stack>
        </Fieldset>
      </Stack>
      <ChangesBar
        draft={draft}
        label={(field) =>
          ({ groups: t('users.groups'), admin: t('users.admin'), bandwidth: t('user.bandwidth') })[field] ??
          field
        }
        show={show}
        save={() => save.mutate()}
        saving={save.isPending}
      />
    </>
  );
}

/** What the groups together allow: allowed in any of them wins (USR-05). */
function Effective({ groups, chosen }: { groups: UserGroup[]; chosen: string[] }) {
  const { t } = useAdminText();
  const counted = groups.filter((group) =>
    chosen.length > 0 ? chosen.includes(group.id) : group.builtin && group.id.includes('ungrouped'),
  );
  return (
    <div>
      <Text size="sm" fw={500} mt="md" mb={6}>
        {t('user.rights')}
      </Text>
      <Group gap={6}>
        {allRights.map((right) => {
          const from = counted.filter((group) => group.rights.includes(right));
          return (
            <Badge
              key={right}
              variant={from.length > 0 ? 'light' : 'outline'}
              color={from.length > 0 ? 'green' : 'gray'}
              tt="none"
              fw={500}
              title={from.map(groupName).join(', ')}
              style={{ color: from.length > 0 ? 'var(--plenary-good)' : 'var(--mantine-color-dimmed)' }}
            >
              {from.length > 0 ? '✓' : '✕'} {t(`right.${right}`)}
            </Badge>
          );
        })}
      </Group>
    </div>
  );
}

function SetPassword({ user }: { user: User }) {
  const { t } = useAdminText();
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      <Group>
        <Button size="xs" variant="default" onClick={open}>
          {t('user.setPassword')}
        </Button>
      </Group>
      <Modal opened={opened} onClose={close} title={t('user.setPassword')} closeButtonProps={useClose()}>
        {opened && <PasswordForm user={user} close={close} />}
      </Modal>
    </>
  );
}

function PasswordForm({ user, close }: { user: User; close: () => void }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const policy = useQuery(queries.passwordPolicy());
  const [password, setPassword] = useState('');
  const save = useMutation({
    mutationFn: () => calls.updateUser(user.id, { password }),
    onSuccess: (now) => {
      cache.setQueryData(queries.user(user.id).queryKey, now);
      tell(t('user.passwordSet', { name: user.display_name }));
      close();
    },
    onError: tellProblem,
  });
  const ready = password !== '' && meets(policy.data, password);
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) save.mutate();
      }}
    >
      <Stack>
        <Text size="sm">{t('user.passwordText', { name: user.display_name })}</Text>
        <NewPassword label={t('users.password')} value={password} onChange={setPassword} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            {t('common:action.cancel')}
          </Button>
          <Button type="submit" disabled={!ready} loading={save.isPending}>
            {t('user.setPassword')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
