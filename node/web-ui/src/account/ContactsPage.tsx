import { ActionIcon, Badge, Button, Group, Menu, Text } from '@mantine/core';
import { IconAddressBook, IconDots, IconEdit, IconPhone, IconPlus, IconTrash } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { Contact, SearchHit } from '../api/types';
import { useCall } from '../calling/useCall';
import { Confirm } from '../ui/Confirm';
import type { Column } from '../ui/DataTable';
import { Face } from '../ui/Face';
import { FilterSelect } from '../ui/FilterSelect';
import { serverOf } from '../ui/foreign';
import { ListTable } from '../ui/ListTable';
import { tell } from '../ui/notify';
import { Page } from '../ui/Page';
import { Search } from '../ui/Search';
import { PresenceStatus } from '../ui/Status';
import { useAddress } from '../ui/useAddress';
import { useList } from '../ui/useList';
import { useMe } from '../ui/useMe';
import { ContactForm, type NewContact } from './ContactForm';
import { FindAnybody } from './FindAnybody';
import { PartnerPersonSheet } from './PartnerPersonSheet';
import { PersonSheet } from './PersonSheet';

const route = getRouteApi('/_app/contacts');

export function ContactsPage() {
  const { t } = useTranslation();
  const me = useMe();
  const { said, set, go } = useAddress(route);
  const { search, group, person } = said;
  const list = useList(queries.myContacts({ search }));
  const [editing, edit] = useState<Contact | 'new' | NewContact | null>(null);
  const [removing, remove] = useState<Contact | null>(null);
  const mayEdit = me.rights.includes('edit_address_book');
  const { call, busy } = useCall();
  const columns = useColumns(
    mayEdit,
    edit,
    remove,
    me.rights.includes('make_calls') ? call : undefined,
    busy,
  );
  const groups = [...new Set(list.rows.flatMap((row) => row.contact_groups))].sort();
  const rows = group ? list.rows.filter((row) => row.contact_groups.includes(group)) : list.rows;
  const add = mayEdit && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => edit('new')}>
      {t('contacts.add')}
    </Button>
  );
  return (
    <Page fill title={t('nav.contacts')} purpose={t('contacts.purpose')} action={add}>
      <Group gap="xs" mb="sm" align="flex-start">
        <FindAnybody
          call={me.rights.includes('make_calls') ? call : undefined}
          busy={busy}
          add={mayEdit ? (hit) => edit(newContact(hit)) : undefined}
          invites={me.rights.includes('create_conferences') || me.admin === 'full'}
        />
        <Search label={t('contacts.search')} value={search} onChange={(search) => set({ search })} />
        {(groups.length > 0 || group) && (
          <FilterSelect
            label={t('contacts.group')}
            any={t('contacts.allGroups')}
            options={[...new Set([...groups, ...(group ? [group] : [])])].map((value) => ({
              value,
              label: value,
            }))}
            value={group}
            onChange={(group) => set({ group })}
          />
        )}
      </Group>
      <ListTable
        name="contacts"
        label={t('nav.contacts')}
        columns={columns}
        list={group ? { ...list, rows, total: rows.length } : list}
        rowKey={(row) => row.call}
        onOpen={(row) => nameOf(row) && go({ person: nameOf(row) })}
        rowHeight={56}
        icon={<IconAddressBook />}
        none={
          search || group
            ? undefined
            : {
                title: t('contacts.empty'),
                text: t(mayEdit ? 'contacts.emptyHint' : 'contacts.emptyHintReader'),
                action: add,
              }
        }
      />
      {person &&
        (serverOf(person) === null ? (
          <PersonSheet id={person} close={() => set({ person: undefined })} />
        ) : (
          <PartnerPersonSheet id={person} close={() => set({ person: undefined })} />
        ))}
      <ContactForm key={keyOf(editing)} editing={editing} groups={groups} close={() => edit(null)} />
      <RemoveContact contact={removing} close={() => remove(null)} />
    </Page>
  );
}

/** The name of the user behind a row, without the server; of another server with it. */
const nameOf = (row: Contact) => row.user_id?.split('@')[0] ?? row.partner_id ?? undefined;

const keyOf = (editing: Contact | 'new' | NewContact | null) =>
  editing === null ? 'none' : editing === 'new' ? 'new' : editing.call;

/** Somebody who was found, to be kept. */
const newContact = (hit: SearchHit): NewContact => ({
  isNew: true,
  call: hit.call ?? '',
  ...(hit.kind === 'user'
    ? { display_name: '', goes_by: hit.display_name }
    : { display_name: hit.display_name }),
});

function useColumns(
  mayEdit: boolean,
  edit: (contact: Contact) => void,
  remove: (contact: Contact) => void,
  call: ((to: string) => Promise<void>) | undefined,
  calling: boolean,
): Column<Contact>[] {
  const { t } = useTranslation();
  return [
    {
      id: 'name',
      header: t('contacts.name'),
      width: 'minmax(0, 2fr)',
      cell: (row) => (
        <Group gap="sm" wrap="nowrap">
          <Face name={row.display_name || row.call} size={36} />
          <div style={{ minWidth: 0 }}>
            {nameOf(row) ? (
              <Text
                renderRoot={(props) => (
                  <Link to="/contacts" search={(now) => ({ ...now, person: nameOf(row) })} {...props} />
                )}
                size="sm"
                c="inherit"
                td="none"
                display="block"
                truncate
              >
                {row.display_name || row.call}
              </Text>
            ) : (
              <Text size="sm" truncate>
                {row.display_name || row.call}
              </Text>
            )}
            <Text size="xs" c="dimmed" truncate>
              {row.call}
            </Text>
          </div>
        </Group>
      ),
    },
    {
      id: 'email',
      header: t('field.email'),
      width: 'minmax(0, 2fr)',
      from: 'md',
      cell: (row) => row.email,
    },
    {
      id: 'groups',
      header: t('contacts.groups'),
      width: 'minmax(0, 1.5fr)',
      from: 'md',
      cell: (row) =>
        row.contact_groups.map((name) => (
          <Badge key={name} size="sm" variant="light" mr={4} tt="none">
            {name}
          </Badge>
        )),
    },
    {
      id: 'presence',
      header: t('contacts.presence'),
      width: '142px',
      cell: (row) => row.presence && <PresenceStatus presence={row.presence} />,
    },
    {
      id: 'call',
      header: '',
      width: '48px',
      cell: (row) =>
        call &&
        (row.user_id || canBeDialled(row.call)) && (
          <ActionIcon
            variant="subtle"
            aria-label={t('call.one', { name: row.display_name || row.call })}
            disabled={calling || row.presence === 'disabled'}
            onClick={() => void call(row.call)}
          >
            <IconPhone size={18} aria-hidden />
          </ActionIcon>
        ),
    },
    {
      id: 'menu',
      header: '',
      width: '48px',
      cell: (row) =>
        mayEdit && (
          <Menu position="bottom-end" transitionProps={{ duration: 80 }} withinPortal>
            <Menu.Target>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t('contacts.menu', { name: row.display_name || row.call })}
              >
                <IconDots size={18} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<IconEdit size={16} />} onClick={() => edit(row)}>
                {t('contacts.edit')}
              </Menu.Item>
              <Menu.Item
                leftSection={<IconTrash size={16} />}
                disabled={!row.removable}
                onClick={() => remove(row)}
              >
                {t(row.removable ? 'contacts.remove' : 'contacts.notRemovable')}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        ),
    },
  ];
}

/** What a name stands for the server knows: a group, an alias, a conference. There are no gateways yet. */
const canBeDialled = (call: string) => !call.startsWith('#');

function RemoveContact({ contact, close }: { contact: Contact | null; close: () => void }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const name = contact?.display_name || contact?.call || '';
  const act = async () => {
    if (!contact) return;
    await calls.deleteContact(contact.call);
    await cache.invalidateQueries({ queryKey: ['contacts'] });
    tell(t('contacts.removed', { name }));
  };
  return (
    <Confirm
      opened={!!contact}
      close={close}
      title={t('contacts.remove')}
      verb={t('contacts.removeVerb')}
      act={act}
    >
      {t('contacts.removeText', { name })}
    </Confirm>
  );
}
