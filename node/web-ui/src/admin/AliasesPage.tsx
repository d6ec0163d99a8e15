import { ActionIcon, Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconAt, IconPlus, IconTrash } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { Alias } from '../api/types';
import { Confirm, useClose } from '../ui/Confirm';
import { ListTable } from '../ui/ListTable';
import { tell } from '../ui/notify';
import { Page } from '../ui/Page';
import { Search } from '../ui/Search';
import { Sheet } from '../ui/Sheet';
import { EmptyState, Loading } from '../ui/States';
import { fieldErrors, problemText, useAdminText } from '../ui/text';
import { useAddress } from '../ui/useAddress';
import { useList } from '../ui/useList';
import { useMayChange } from '../ui/useMe';

const route = getRouteApi('/_app/admin/aliases');

export function AliasesPage() {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const cache = useQueryClient();
  const { said, set, go } = useAddress(route);
  const { search, alias, create } = said;
  const list = useList(queries.aliases({ search }));
  const [removing, remove] = useState<Alias | null>(null);
  const open = list.rows.find((row) => row.id === alias);
  const edit = (row: Alias) => go({ alias: row.id });
  const close = () => set({ alias: undefined, create: undefined });
  const add = mayChange && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => go({ create: true })}>
      {t('aliases.create')}
    </Button>
  );
  return (
    <Page fill title={t('common:nav.aliases')} purpose={t('aliases.purpose')} action={add}>
      <Group mb="sm">
        <Search label={t('aliases.search')} value={search} onChange={(search) => set({ search })} />
      </Group>
      <ListTable
        name="aliases"
        label={t('common:nav.aliases')}
        list={list}
        rowKey={(alias) => alias.id}
        onOpen={mayChange ? edit : undefined}
        active={alias}
        columns={[
          {
            id: 'id',
            header: t('aliases.id'),
            width: 'minmax(0, 1fr)',
            cell: (alias) => (
              <Text size="sm" fw={500} truncate>
                {alias.id}
              </Text>
            ),
          },
          {
            id: 'target',
            header: t('aliases.target'),
            width: 'minmax(0, 2fr)',
            cell: (alias) => alias.target,
          },
          {
            id: 'note',
            header: t('aliases.note'),
            width: 'minmax(0, 2fr)',
            from: 'sm',
            cell: (alias) => alias.note,
          },
          {
            id: 'menu',
            header: '',
            width: '92px',
            cell: (alias) =>
              mayChange && (
                <Group gap={4} wrap="nowrap" justify="flex-end">
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    onClick={() => edit(alias)}
                    aria-label={t('aliases.edit', { id: alias.id })}
                  >
                    {t('aliases.editShort')}
                  </Button>
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    aria-label={t('aliases.delete', { id: alias.id })}
                    onClick={() => remove(alias)}
                  >
                    <IconTrash size={16} />
                  </ActionIcon>
                </Group>
              ),
          },
        ]}
        icon={<IconAt />}
        none={search ? undefined : { title: t('aliases.empty'), text: t('aliases.emptyText'), action: add }}
      />
      <Modal
        opened={!!create && mayChange}
        onClose={close}
        title={t('aliases.create')}
        closeButtonProps={useClose()}
      >
        <AliasForm close={close} />
      </Modal>
      {alias && mayChange && (
        <Sheet title={<Text fw={650}>{alias}</Text>} close={close}>
          {open ? (
            <AliasForm key={open.id} alias={open} close={close} />
          ) : list.loading ? (
            <Loading rows={3} />
          ) : (
            <EmptyState icon={<IconAt />} title={t('aliases.gone')} text={t('aliases.goneText')} />
          )}
        </Sheet>
      )}
      <Confirm
        opened={!!removing}
        close={() => remove(null)}
        title={t('aliases.deleteTitle', { id: removing?.id })}
        verb={t('aliases.deleteVerb')}
        act={async () => {
          await calls.deleteAlias(removing!.id, removing!.revision);
          await cache.invalidateQueries({ queryKey: ['aliases'] });
          tell(t('aliases.deleted', { id: removing!.id }));
        }}
      >
        {t('aliases.deleteText', { id: removing?.id, target: removing?.target })}
      </Confirm>
    </Page>
  );
}

function AliasForm({ alias, close }: { alias?: Alias; close: () => void }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  // As it was when it was opened: who saves on top of somebody else's change is told.
  const [old] = useState(alias);
  const form = useForm({
    initialValues: { id: old?.id ?? '', target: old?.target ?? '', note: old?.note ?? '' },
    validateInputOnBlur: true,
    validate: {
      id: (value) => (/^[A-Za-z0-9_-]{1,32}$/.test(value) ? null : t('aliases.idWrong')),
      target: (value) => (value.trim() ? null : t('aliases.targetMissing')),
    },
  });
  const save = useMutation({
    mutationFn: ({ id, target, note }: typeof form.values) =>
      old ? calls.updateAlias(id, { target, note }, old.revision) : calls.createAlias({ id, target, note }),
    onSuccess: async (alias) => {
      await cache.invalidateQueries({ queryKey: ['aliases'] });
      tell(t('aliases.saved', { id: alias.id }));
      close();
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  const below = ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[];
  return (
    <form noValidate onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack>
        {save.error && (
          <Alert color="red" role="alert">
            {problemText(save.error)}
          </Alert>
        )}
        <TextInput
          label={t('aliases.id')}
          description={t('aliases.idHint')}
          inputWrapperOrder={below}
          readOnly={!!old}
          data-autofocus={!old || undefined}
          maxLength={32}
          autoCapitalize="none"
          spellCheck={false}
          {...form.getInputProps('id')}
        />
        <TextInput
          label={t('aliases.target')}
          description={t('aliases.targetHint')}
          inputWrapperOrder={below}
          data-autofocus={!!old || undefined}
          maxLength={512}
          autoCapitalize="none"
          spellCheck={false}
          {...form.getInputProps('target')}
        />
        <TextInput label={t('aliases.note')} maxLength={256} {...form.getInputProps('note')} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            {t('common:action.cancel')}
          </Button>
          <Button type="submit" loading={save.isPending}>
            {t('common:action.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
