import { Anchor, Button, Group, Loader, Popover, Progress, Stack, Text, VisuallyHidden } from '@mantine/core';
import { IconCircleCheckFilled, IconExclamationCircleFilled } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Status } from './Status';
import { forgetTasks, useTasks, type Task } from './tasks';

/** Long work, in the head of every page as long as there is some. */
export function TaskList() {
  const { t } = useTranslation();
  const tasks = useTasks();
  const [opened, setOpened] = useState(false);
  if (tasks.length === 0) return null;
  const running = tasks.filter((task) => task.state === 'running').length;
  const failed = tasks.some((task) => task.state === 'failed');
  const words =
    running > 0 ? t('tasks.running', { count: running }) : t(failed ? 'tasks.failed' : 'tasks.done');
  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      position="bottom-end"
      width={320}
      transitionProps={{ duration: 80 }}
      trapFocus
      returnFocus
      shadow="md"
    >
      <Popover.Target>
        <Button
          variant="default"
          size="xs"
          px="xs"
          leftSection={
            running > 0 ? (
              <Loader size={14} />
            ) : failed ? (
              <IconExclamationCircleFilled size={16} color="var(--plenary-bad)" aria-hidden />
            ) : (
              <IconCircleCheckFilled size={16} color="var(--plenary-good)" aria-hidden />
            )
          }
          onClick={() => setOpened(!opened)}
        >
          {words}
        </Button>
      </Popover.Target>
      <VisuallyHidden role="status">{words}</VisuallyHidden>
      <Popover.Dropdown aria-label={t('tasks.title')}>
        <Stack gap="sm" component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
          {tasks.map((task) => (
            <li key={task.id}>
              <One task={task} open={() => setOpened(false)} />
            </li>
          ))}
        </Stack>
        {running < tasks.length && (
          <Group justify="flex-end" mt="sm">
            <Button size="compact-xs" variant="subtle" onClick={forgetTasks}>
              {t('tasks.forget')}
            </Button>
          </Group>
        )}
        {running > 0 && (
          <Text size="xs" c="dimmed" mt="sm">
            {t('tasks.hint')}
          </Text>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}

function One({ task, open }: { task: Task; open: () => void }) {
  const { t } = useTranslation();
  return (
    <Stack gap={4}>
      <Anchor
        size="sm"
        fw={600}
        renderRoot={(props) => <Link to={task.to as '/admin/import'} onClick={open} {...props} />}
      >
        {task.title}
      </Anchor>
      {task.state === 'running' ? (
        <Progress
          value={task.share === null ? 100 : 100 * task.share}
          animated={task.share === null}
          aria-label={t('tasks.progress', { title: task.title })}
        />
      ) : (
        <Status tone={task.state === 'done' ? 'good' : 'bad'}>
          {task.note || t(task.state === 'done' ? 'tasks.done' : 'tasks.failed')}
        </Status>
      )}
    </Stack>
  );
}
