import { Alert, Button, Card, Code, Group, List, Progress, Stack, Text, Title } from '@mantine/core';
import { IconCircleCheck, IconCloudDownload, IconLock, IconX } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { calls } from '../api/calls';
import { save } from '../ui/download';
import { Page } from '../ui/Page';
import { ErrorState } from '../ui/States';
import { startTask } from '../ui/tasks';
import { bytes, problemText, useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { useMayChange, useMe } from '../ui/useMe';
import { lastBackup } from './lastBackup';

const commands = ['plenaryctl backup verify FILE', 'plenaryctl backup restore FILE'].join('\n');

/** Takes a consistent copy of the whole server home, and says what it is good for. */
export function BackupPage() {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  return (
    <Page narrow title={t('common:nav.backup')} purpose={t('backup.purpose')}>
      <Stack gap="md">
        {mayChange ? (
          <Download />
        ) : (
          <Alert color="blue" icon={<IconLock />}>
            {t('backup.readers')}
          </Alert>
        )}
        <Card withBorder>
          <Title order={2} size="h3" mb="xs">
            {t('backup.inside')}
          </Title>
          <List size="sm" spacing={4}>
            <List.Item>{t('backup.insideData')}</List.Item>
            <List.Item>{t('backup.insideMoment')}</List.Item>
            <List.Item>{t('backup.insideNot')}</List.Item>
            <List.Item>{t('backup.insideSecret')}</List.Item>
          </List>
        </Card>
        <Card withBorder>
          <Title order={2} size="h3" mb="xs">
            {t('backup.restore')}
          </Title>
          <Text size="sm" mb="sm">
            {t('backup.restoreText')}
          </Text>
          <Code block>{commands}</Code>
        </Card>
      </Stack>
    </Page>
  );
}

function Download() {
  const { t } = useAdminText();
  const { server } = useMe();
  const stop = useRef<AbortController>(null);
  const [progress, setProgress] = useState<{ read: number; total: number | null } | null>(null);
  const [before, setBefore] = useState(lastBackup.at());
  const run = useMutation({
    mutationFn: async () => {
      stop.current = new AbortController();
      const { signal } = stop.current;
      const task = startTask(t('common:nav.backup'), '/admin/backup');
      const told = (read: number, total: number | null) => {
        setProgress({ read, total });
        if (total) task.step(read / total);
      };
      const file = await calls.backup(told, signal).catch((error: unknown) => {
        if (signal.aborted) task.drop();
        else task.failed(problemText(error));
        throw error;
      });
      task.done();
      lastBackup.done();
      save(file, `${server}-${new Date().toISOString().slice(0, 16).replace(':', '')}.plenary-backup`);
      return file.size;
    },
    onSuccess: () => setBefore(lastBackup.at()),
    onSettled: () => setProgress(null),
  });
  const stopped = run.error instanceof DOMException && run.error.name === 'AbortError';
  return (
    <Card withBorder>
      <Stack gap="sm">
        <Group justify="space-between" gap="md">
          <div style={{ flex: '1 1 260px' }}>
            <Title order={2} size="h3">
              {t('backup.now')}
            </Title>
            <Text size="sm" c="dimmed">
              {before ? (
                <>
                  {t('backup.last')} <Time at={before} />
                </>
              ) : (
                t('backup.never')
              )}
            </Text>
          </div>
          {run.isPending ? (
            <Button variant="default" leftSection={<IconX size={16} />} onClick={() => stop.current?.abort()}>
              {t('backup.stop')}
            </Button>
          ) : (
            <Button leftSection={<IconCloudDownload size={16} />} onClick={() => run.mutate()}>
              {t('backup.action')}
            </Button>
          )}
        </Group>
        {run.isPending && (
          <div role="status">
            <Progress
              value={progress?.total ? (100 * progress.read) / progress.total : 100}
              animated={!progress?.total}
              aria-label={t('backup.progress')}
            />
            <Text size="xs" c="dimmed" mt={4}>
              {progress ? t('backup.read', { size: bytes(progress.read) }) : t('backup.preparing')}
            </Text>
          </div>
        )}
        {run.error && !stopped && <ErrorState error={run.error} retry={() => run.mutate()} />}
        {run.data !== undefined && (
          <Alert color="green" icon={<IconCircleCheck />} title={t('backup.done', { size: bytes(run.data) })}>
            {t('backup.keep')}
          </Alert>
        )}
      </Stack>
    </Card>
  );
}
