import {
  Button,
  Checkbox,
  Fieldset,
  Group,
  Radio,
  SimpleGrid,
  Stack,
  Tabs,
  Text,
  TextInput,
  MultiSelect,
} from '@mantine/core';
import { IconUsersGroup } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { showBandwidth } from '../account/showBandwidth';
import { calls } from '../api/calls';
import { Problem } from '../api/problem';
import { queries } from '../api/queries';
import {
  rights as allRights,
  type AddressBook,
  type Bandwidth,
  type Group as UserGroup,
  type Right,
} from '../api/types';
import { ChangesBar } from '../ui/ChangesBar';
import { Confirm } from '../ui/Confirm';
import { Limits } from '../ui/Limits';
import { tell, tellProblem } from '../ui/notify';
import { Sheet } from '../ui/Sheet';
import { EmptyState, ErrorState, Loading } from '../ui/States';
import { useAdminText } from '../ui/text';
import { useDraft, type Draft } from '../ui/useDraft';
import { useMayChange } from '../ui/useMe';
import { BookEntries } from './BookEntries';
import { GroupMembers } from './GroupMembers';
import { GroupVisitors } from './GroupVisitors';
import { groupName } from './groupName';

const route = getRouteApi('/_app/admin/groups/$id');

/** Built-in groups to which one belongs while one is in a conference. */
const VISITORS = ['guests', 'federated'];

export interface GroupEdit {
  name: string;
  rights: Right[];
  address_book: AddressBook;
  bandwidth: Bandwidth;
  call_id: string;
}

/** One group: what its members may do and whom they find. */
export function GroupSheet() {
  const { t } = useAdminText();
  const { id } = route.useParams();
  const navigate = route.useNavigate();
  const group = useQuery(queries.group(id));
  const close = () => void navigate({ to: '/admin/groups', search: (now) => now });
  const gone = group.error instanceof Problem && group.error.code === 'not-found';
  return (
    <Sheet
      title={
        <Text fw={650} truncate>
          {group.data ? groupName(group.data) : id}
        </Text>
      }
      close={close}
    >
      {gone ? (
        <EmptyState icon={<IconUsersGroup />} title={t('group.gone')} text={t('group.goneText')} />
      ) : group.data ? (
        <Body key={group.data.id} group={group.data} close={close} />
      ) : group.error ? (
        <ErrorState error={group.error} retry={() => void group.refetch()} />
      ) : (
        <Loading rows={8} />
      )}
    </Sheet>
  );
}

function Body({ group, close }: { group: UserGroup; close: () => void }) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const cache = useQueryClient();
  const groups = useQuery(queries.allGroups());
  const { name, rights, address_book, bandwidth, call_id, revision } = group;
  const draft = useDraft<GroupEdit>({ name, rights, address_book, bandwidth, call_id, revision });
  const save = useMutation({
    mutationFn: () => calls.updateGroup(group.id, draft.patch, draft.match),
    onSuccess: async (now) => {
      cache.setQueryData(queries.group(group.id).queryKey, now);
      draft.reset();
      tell(t('group.saved', { name: groupName(now) }));
      await cache.invalidateQueries({ queryKey: ['groups'] });
    },
    onError: (error) => {
      if (error instanceof Problem && error.code === 'stale') {
        void cache.invalidateQueries({ queryKey: queries.group(group.id).queryKey });
      } else tellProblem(error);
    },
  });
  const names = new Map(groups.data?.map((one) => [one.id, groupName(one)]));
  return (
    <>
      <Tabs defaultValue="rights" keepMounted={false}>
        <Tabs.List mb="md" className="tabs">
          <Tabs.Tab value="rights">{t('groups.rights')}</Tabs.Tab>
          <Tabs.Tab value="members">{t('groups.members')}</Tabs.Tab>
          <Tabs.Tab value="book">{t('groups.addressBook')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="rights">
          <RightsTab group={group} draft={draft} readOnly={!mayChange} />
          {mayChange && !group.builtin && <DeleteGroup group={group} close={close} />}
        </Tabs.Panel>
        <Tabs.Panel value="members">
          {VISITORS.includes(group.id) ? <GroupVisitors group={group.id} /> : <GroupMembers group={group} />}
        </Tabs.Panel>
        <Tabs.Panel value="book">
          <BookTab group={group} draft={draft} groups={groups.data ?? []} readOnly={!mayChange} />
        </Tabs.Panel>
      </Tabs>
      <ChangesBar
        draft={draft}
        label={(field) =>
          ({
            name: t('groups.name'),
            rights: t('groups.rights'),
            address_book: t('groups.addressBook'),
            bandwidth: t('user.bandwidth'),
            call_id: t('group.callId'),
          })[field] ?? field
        }
        show={(field, value) => {
          if (field === 'rights') return (value as Right[]).map((right) => t(`right.${right}`)).join(', ');
          if (field === 'bandwidth') return showBandwidth(value as Bandwidth);
          if (field === 'address_book') return showBook(value as AddressBook, names);
          return String(value);
        }}
        save={() => save.mutate()}
        saving={save.isPending}
        blocked={!draft.value.name.trim()}
      />
    </>
  );

  function showBook({ scope, groups = [], entries = [] }: AddressBook, of: Map<string, string>): string {
    const chosen = scope === 'groups' ? `: ${groups.map((id) => of.get(id) ?? id).join(', ')}` : '';
    const picked = entries.length > 0 ? ` + ${t('book.entries', { count: entries.length })}` : '';
    return t(`scope.${scope}`) + chosen + picked;
  }
}

interface TabProps {
  group: UserGroup;
  draft: Draft<GroupEdit>;
  readOnly: boolean;
}

function RightsTab({ group, draft, readOnly }: TabProps) {
  const { t } = useAdminText();
  const set = new Set(draft.value.rights);
  const toggle = (right: Right) =>
    draft.set(
      'rights',
      allRights.filter((one) => (one === right ? !set.has(one) : set.has(one))),
    );
  return (
    <Stack gap="md">
      <TextInput
        label={t('groups.name')}
        description={group.builtin ? t('group.builtinName') : undefined}
        inputWrapperOrder={['label', 'input', 'description']}
        maxLength={128}
        readOnly={readOnly || group.builtin}
        value={group.builtin ? groupName(group) : draft.value.name}
        onChange={(event) => draft.set('name', event.currentTarget.value)}
      />
      {!group.builtin && (
        <TextInput
          label={t('group.callId')}
          description={t('group.callIdHint')}
          inputWrapperOrder={['label', 'input', 'description']}
          maxLength={64}
          autoCapitalize="none"
          spellCheck={false}
          readOnly={readOnly}
          value={draft.value.call_id}
          onChange={(event) => draft.set('call_id', event.currentTarget.value.trim().toLowerCase())}
        />
      )}
      <Fieldset legend={t('group.rights')}>
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
          {allRights.map((right) => {
            const allowed = group.allowed_rights.includes(right);
            return (
              <Checkbox
                key={right}
                label={t(`right.${right}`)}
                description={allowed ? t(`right.${right}Hint`) : t('group.notAllowed')}
                checked={set.has(right)}
                disabled={!allowed}
                onChange={() => !readOnly && toggle(right)}
              />
            );
          })}
        </SimpleGrid>
      </Fieldset>
      <Fieldset legend={t('user.bandwidth')}>
        <Limits
          value={draft.value.bandwidth}
          onChange={(next) => draft.set('bandwidth', next)}
          hint={t('group.bandwidthHint')}
          readOnly={readOnly}
        />
      </Fieldset>
    </Stack>
  );
}

function BookTab({ draft, groups, readOnly }: TabProps & { groups: UserGroup[] }) {
  const { t } = useAdminText();
  const book = draft.value.address_book;
  const set = (patch: Partial<AddressBook>) => !readOnly && draft.set('address_book', { ...book, ...patch });
  return (
    <Stack gap="md">
      <Radio.Group
        label={t('book.who')}
        value={book.scope}
        onChange={(scope) => set({ scope: scope as AddressBook['scope'] })}
      >
        <Stack gap="xs" mt="xs">
          {(['everyone', 'groups', 'nobody'] as const).map((scope) => (
            <Radio
              key={scope}
              value={scope}
              label={t(`scope.${scope}`)}
              description={t(`scope.${scope}Hint`)}
            />
          ))}
        </Stack>
      </Radio.Group>
      {book.scope === 'groups' && (
        <MultiSelect
          label={t('book.groups')}
          searchable
          readOnly={readOnly}
          data={groups.map((group) => ({ value: group.id, label: groupName(group) }))}
          value={book.groups}
          onChange={(next) => set({ groups: next })}
        />
      )}
      <BookEntries
        entries={book.entries ?? []}
        onChange={(entries) => set({ entries })}
        readOnly={readOnly}
      />
    </Stack>
  );
}

function DeleteGroup({ group, close }: { group: UserGroup; close: () => void }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const [asking, ask] = useState(false);
  return (
    <Group mt="lg">
      <Button size="xs" variant="light" color="red" onClick={() => ask(true)}>
        {t('group.delete')}
      </Button>
      <Confirm
        opened={asking}
        close={() => ask(false)}
        title={t('group.deleteTitle', { name: group.name })}
        verb={t('group.delete')}
        typed={group.name}
        act={async () => {
          await calls.deleteGroup(group.id);
          close();
          await cache.invalidateQueries({ queryKey: ['groups', 'list'] });
          await cache.invalidateQueries({ queryKey: ['groups', 'all'] });
          await cache.invalidateQueries({ queryKey: ['users'] });
          tell(t('group.deleted', { name: group.name }));
        }}
      >
        {t('group.deleteText', { count: group.members })}
      </Confirm>
    </Group>
  );
}
