import { Alert, Badge, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconPlus, IconUsersGroup } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, Outlet, useMatchRoute, useNavigate } from '@tanstack/react-router';
import { showBandwidth } from '../account/showBandwidth';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import { rights } from '../api/types';
import { useClose } from '../ui/Confirm';
import { ListTable } from '../ui/ListTable';
import { Page } from '../ui/Page';
import { Search } from '../ui/Search';
import { fieldErrors, number, problemText, useAdminText } from '../ui/text';
import { useAddress } from '../ui/useAddress';
import { useList } from '../ui/useList';
import { useMayChange } from '../ui/useMe';
import { groupName } from './groupName';

const route = getRouteApi('/_app/admin/groups');

export function GroupsPage() {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const { said, set, go } = useAddress(route);
  const { search, sort = 'name', create } = said;
  const navigate = route.useNavigate();
  const open = useMatchRoute()({ to: '/admin/groups/$id' });
  const list = useList(queries.groups({ search, sort }));
  return (
    <Page
      fill
      title={t('common:nav.groups')}
      purpose={t('groups.purpose')}
      action={
        mayChange && (
          <Button leftSection={<IconPlus size={16} />} onClick={() => go({ create: true })}>
            {t('groups.create')}
          </Button>
        )
      }
    >
      <Group mb="sm">
        <Search label={t('groups.search')} value={search} onChange={(search) => set({ search })} />
      </Group>
      <ListTable
        name="groups"
        label={t('common:nav.groups')}
        list={list}
        rowKey={(group) => group.id}
        sort={sort}
        onSort={(sort) => set({ sort })}
        onOpen={(group) =>
          void navigate({ to: '/admin/groups/$id', params: { id: group.id }, search: (now) => now })
        }
        active={open ? open.id : undefined}
        columns={[
          {
            id: 'name',
            header: t('groups.name'),
            width: 'minmax(0, 2fr)',
            sortable: true,
            cell: (group) => (
              <Group gap="xs" wrap="nowrap">
                <Text
                  component={Link}
                  to="/admin/groups/$id"
                  params={{ id: group.id } as never}
                  size="sm"
                  fw={500}
                  c="inherit"
                  td="none"
                  truncate
                >
                  {groupName(group)}
                </Text>
                {group.builtin && (
                  <Badge size="xs" variant="light" color="gray" c="dimmed" style={{ flex: 'none' }}>
                    {t('groups.builtin')}
                  </Badge>
                )}
              </Group>
            ),
          },
          {
            id: 'members',
            header: t('groups.members'),
            width: '110px',
            sortable: true,
            cell: (group) => number(group.members),
          },
          {
            id: 'rights',
            header: t('groups.rights'),
            width: '130px',
            from: 'sm',
            cell: (group) => t('groups.rightsCount', { count: group.rights.length, all: rights.length }),
          },
          {
            id: 'book',
            header: t('groups.addressBook'),
            width: 'minmax(0, 1fr)',
            from: 'md',
            cell: (group) => t(`scope.${group.address_book.scope}`),
          },
          {
            id: 'bandwidth',
            header: t('user.bandwidth'),
            width: 'minmax(0, 1.4fr)',
            from: 'lg',
            cell: (group) => (
              <Text size="sm" c="dimmed" truncate>
                {showBandwidth(group.bandwidth)}
              </Text>
            ),
          },
        ]}
        icon={<IconUsersGroup />}
      />
      <CreateGroup opened={!!create && mayChange} close={() => set({ create: undefined })} />
      <Outlet />
    </Page>
  );
}

function CreateGroup({ opened, close }: { opened: boolean; close: () => void }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const form = useForm({
    initialValues: { name: '' },
    validate: { name: (value) => (value.trim() ? null : t('groups.nameMissing')) },
  });
  const create = useMutation({
    mutationFn: (values: { name: string }) => calls.createGroup({ name: values.name.trim() }),
    onSuccess: async (group) => {
      form.reset();
      await cache.invalidateQueries({ queryKey: ['groups'] });
      await navigate({ to: '/admin/groups/$id', params: { id: group.id } });
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <Modal opened={opened} onClose={close} title={t('groups.create')} closeButtonProps={useClose()}>
      <form noValidate onSubmit={form.onSubmit((values) => create.mutate(values))}>
        <Stack>
          {create.error && (
            <Alert color="red" role="alert">
              {problemText(create.error)}
            </Alert>
          )}
          <TextInput
            label={t('groups.name')}
            description={t('groups.createHint')}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            data-autofocus
            maxLength={128}
            {...form.getInputProps('name')}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {t('common:action.cancel')}
            </Button>
            <Button type="submit" loading={create.isPending}>
              {t('groups.createVerb')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
