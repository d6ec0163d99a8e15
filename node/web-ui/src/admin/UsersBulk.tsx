import { Button, Group, Modal, MultiSelect, Paper, Progress, Stack, Text } from '@mantine/core';
import { IconBan, IconCircleCheck, IconTrash, IconUsersPlus, IconX } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import { asProblem, type Problem } from '../api/problem';
import { queries } from '../api/queries';
import type { UserQuery } from '../api/types';
import { Confirm, useClose } from '../ui/Confirm';
import { tell, tellProblem } from '../ui/notify';
import { startTask } from '../ui/tasks';
import { number, problemText, useAdminText } from '../ui/text';

type Act = 'enable' | 'disable' | 'delete' | 'groups';

interface Failure {
  id: string;
  problem: Problem;
}

/** Does one thing to many users, a few at a time, and says which did not work and why. */
async function forEach(ids: string[], act: (id: string) => Promise<unknown>, step: (done: number) => void) {
  const failed: Failure[] = [];
  const left = [...ids];
  let done = 0;
  const worker = async () => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      try {
        await act(id);
      } catch (error) {
        failed.push({ id, problem: asProblem(error) });
      }
      done += 1;
      step(done);
    }
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  return failed;
}

interface Props {
  chosen: ReadonlySet<string>;
  choose: (ids: ReadonlySet<string>) => void;
  /** What the list is narrowed to, and how many match. */
  filters: UserQuery;
  total: number;
}

/** The IDs of all that match, also of those that were not scrolled to. */
async function allIds(filters: UserQuery): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await calls.users({ ...filters, sort: 'id', limit: 500, cursor });
    page.items.forEach((user) => found.add(user.id));
    cursor = page.next ?? undefined;
  } while (cursor);
  return found;
}

export function UsersBulk({ chosen, choose, filters, total }: Props) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const [asking, ask] = useState<Act | null>(null);
  const [done, setDone] = useState<number | null>(null);
  const ids = [...chosen];
  const count = ids.length;
  const clear = () => choose(new Set());
  const all = useMutation({ mutationFn: () => allIds(filters), onSuccess: choose, onError: tellProblem });

  const run = async (act: (id: string) => Promise<unknown>) => {
    setDone(0);
    const task = startTask(t('bulk.task', { count, users: number(count) }), '/admin/users');
    const failed = await forEach(ids, act, (step) => {
      setDone(step);
      task.step(step / count);
    });
    setDone(null);
    await cache.invalidateQueries({ queryKey: ['users'] });
    if (failed.length === 0) {
      task.done();
      tell(t('bulk.done', { count }));
      clear();
    } else {
      const first = failed[0]!;
      const why = t('bulk.failed', { count: failed.length, id: first.id, why: problemText(first.problem) });
      task.failed(why);
      tellProblem(new Error(why));
    }
  };
  const close = () => ask(null);

  return (
    <Paper withBorder p="xs" mb="sm" role="region" aria-label={t('bulk.region')}>
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <Text size="sm" fw={600} aria-live="polite">
            {t('bulk.count', { count })}
          </Text>
          {count < total && (
            <Button size="compact-xs" variant="subtle" loading={all.isPending} onClick={() => all.mutate()}>
              {t('bulk.all', { total: number(total) })}
            </Button>
          )}
        </Group>
        <Group gap={6}>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconCircleCheck size={14} />}
            onClick={() => void run((id) => calls.updateUser(id, { active: true }))}
          >
            {t('bulk.enable')}
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconBan size={14} />}
            onClick={() => ask('disable')}
          >
            {t('bulk.disable')}
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconUsersPlus size={14} />}
            onClick={() => ask('groups')}
          >
            {t('bulk.groups')}
          </Button>
          <Button
            size="xs"
            color="red"
            variant="light"
            leftSection={<IconTrash size={14} />}
            onClick={() => ask('delete')}
          >
            {t('bulk.delete')}
          </Button>
          <Button size="xs" variant="subtle" color="gray" leftSection={<IconX size={14} />} onClick={clear}>
            {t('bulk.clear')}
          </Button>
        </Group>
      </Group>
      {done !== null && <Progress mt="xs" value={(100 * done) / count} aria-label={t('bulk.progress')} />}
      <Confirm
        opened={asking === 'disable'}
        close={close}
        title={t('bulk.disableTitle', { count })}
        verb={t('bulk.disable')}
        act={() => run((id) => calls.updateUser(id, { active: false }))}
      >
        {t('bulk.disableText', { count })}
      </Confirm>
      <Confirm
        opened={asking === 'delete'}
        close={close}
        title={t('bulk.deleteTitle', { count })}
        verb={t('bulk.delete')}
        typed={String(count)}
        act={() => run((id) => calls.deleteUser(id))}
      >
        {t('bulk.deleteText', { count })}
      </Confirm>
      <AddToGroups opened={asking === 'groups'} close={close} ids={ids} clear={clear} />
    </Paper>
  );
}

function AddToGroups(props: { opened: boolean; close: () => void; ids: string[]; clear: () => void }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const groups = useQuery(queries.allGroups());
  const [picked, pick] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const add = async () => {
    setBusy(true);
    try {
      for (const group of picked) await calls.changeMembers(group, props.ids, []);
      await Promise.all([
        cache.invalidateQueries({ queryKey: ['users'] }),
        cache.invalidateQueries({ queryKey: ['groups'] }),
      ]);
      tell(t('bulk.done', { count: props.ids.length }));
      props.close();
      props.clear();
    } catch (error) {
      tellProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal
      opened={props.opened}
      onClose={props.close}
      title={t('bulk.groupsTitle', { count: props.ids.length })}
      closeButtonProps={useClose()}
    >
      <Stack>
        <MultiSelect
          label={t('users.groups')}
          searchable
          data-autofocus
          data={(groups.data ?? [])
            .filter((group) => !group.builtin)
            .map(({ id, name }) => ({ value: id, label: name }))}
          value={picked}
          onChange={pick}
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={props.close}>
            {t('common:action.cancel')}
          </Button>
          <Button onClick={() => void add()} loading={busy} disabled={picked.length === 0}>
            {t('bulk.groupsVerb')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
