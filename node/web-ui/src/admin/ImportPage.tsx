import {
  Alert,
  Anchor,
  Button,
  Card,
  Code,
  FileButton,
  Group,
  List,
  Progress,
  Stack,
  Table,
  Text,
} from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconFileImport, IconFileText } from '@tabler/icons-react';
import {
  useMutation,
  useMutationState,
  useQuery,
  useQueryClient,
  type MutationState,
} from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { calls } from '../api/calls';
import { Problem } from '../api/problem';
import type { FieldError, ImportResult } from '../api/types';
import { Page } from '../ui/Page';
import { ErrorState } from '../ui/States';
import { startTask } from '../ui/tasks';
import { bytes, number, problemText, textOf, useAdminText } from '../ui/text';
import { useMayChange } from '../ui/useMe';

const KEY = ['users', 'import'];
const LARGEST = 16 * 1024 * 1024;
const columns =
  'id;password;display_name;email;first_name;middle_name;last_name;organisation;branch;department;job_title;manager;address;mobile_phone;work_phone;home_phone;sip_number;groups;active;admin;bandwidth_in_kbps;bandwidth_out_kbps';

interface Sent {
  file: File;
  dryRun: boolean;
}

/** A check and an import live beside the pages: who leaves and comes back finds them as far as they are. */
function useImport() {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const send = useMutation({
    mutationKey: KEY,
    mutationFn: async ({ file, dryRun }: Sent) => {
      if (dryRun) return calls.importUsers(file, true);
      const task = startTask(t('import.task', { file: file.name }), '/admin/import');
      try {
        const result = await calls.importUsers(file, false);
        task.done(t('import.done', { ...result }));
        await cache.invalidateQueries();
        return result;
      } catch (error) {
        task.failed(problemText(error));
        throw error;
      }
    },
  });
  const all = useMutationState({
    filters: { mutationKey: KEY },
    select: (mutation) => mutation.state as MutationState<ImportResult, Error, Sent>,
  });
  const last = (dryRun: boolean) => all.findLast((one) => one.variables?.dryRun === dryRun);
  const forget = () => {
    const kept = cache.getMutationCache();
    kept.findAll({ mutationKey: KEY }).forEach((one) => kept.remove(one));
  };
  return {
    check: last(true),
    run: last(false),
    start: (file: File, dryRun: boolean) => send.mutate({ file, dryRun }),
    forget,
  };
}

/** First looks without changing anything, then imports all rows or none. */
export function ImportPage() {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const [refused, refuse] = useState<File | null>(null);
  const { check, run, start, forget } = useImport();
  const choose = (next: File | null) => {
    if (!next) return;
    forget();
    refuse(next.size > LARGEST ? next : null);
    if (next.size <= LARGEST) start(next, true);
  };
  const file = refused ?? run?.variables?.file ?? check?.variables?.file;
  const problem = (run?.error ?? check?.error) as Problem | null | undefined;
  const busy = check?.status === 'pending' || run?.status === 'pending';
  return (
    <Page narrow title={t('import.title')} purpose={t('import.purpose')}>
      <Stack gap="md">
        <Card withBorder>
          <Stack gap="sm">
            <List type="ordered" size="sm" spacing={4}>
              <List.Item>{t('import.step1')}</List.Item>
              <List.Item>{t('import.step2')}</List.Item>
              <List.Item>{t('import.step3')}</List.Item>
            </List>
            <Group gap="xs">
              <FileButton accept=".csv,text/csv" onChange={choose} disabled={!mayChange || busy}>
                {(props) => (
                  <Button
                    {...props}
                    leftSection={<IconFileText size={16} />}
                    variant={file ? 'default' : 'filled'}
                  >
                    {t(file ? 'import.other' : 'import.choose')}
                  </Button>
                )}
              </FileButton>
              <Anchor
                size="sm"
                href={`data:text/csv;charset=utf-8,${encodeURIComponent(columns + '\r\n')}`}
                download="users.csv"
              >
                {t('import.template')}
              </Anchor>
            </Group>
            {file && (
              <Text size="sm">
                {file.name} · {bytes(file.size)}
              </Text>
            )}
          </Stack>
        </Card>
        {busy && file && <Working file={file} checking={run?.status !== 'pending'} />}
        {refused && <ErrorState error={new Problem('import-too-large', 413)} />}
        {problem && problem.fields.length > 0 ? (
          <RowErrors rows={problem.fields} />
        ) : (
          problem &&
          !busy && <ErrorState error={problem} retry={file ? () => start(file, !run) : undefined} />
        )}
        {check?.data && !run && file && (
          <Alert color="blue" icon={<IconCircleCheck />} title={t('import.good')}>
            <Stack gap="sm" align="flex-start">
              <Text size="sm">{t('import.will', { ...check.data })}</Text>
              <Button leftSection={<IconFileImport size={16} />} onClick={() => start(file, false)}>
                {t('import.action')}
              </Button>
            </Stack>
          </Alert>
        )}
        {run?.data && (
          <Alert color="green" icon={<IconCircleCheck />} title={t('import.done', { ...run.data })}>
            <Button size="xs" variant="default" component={Link} to="/admin/users">
              {t('import.show')}
            </Button>
          </Alert>
        )}
        <Card withBorder>
          <Text size="sm" fw={600} mb={4}>
            {t('import.columns')}
          </Text>
          <Text size="sm" c="dimmed" mb="xs">
            {t('import.columnsText')}
          </Text>
          <Code block style={{ whiteSpace: 'pre-wrap' }}>
            {columns}
          </Code>
        </Card>
      </Stack>
    </Page>
  );
}

/** Nobody can say how far the server is: what it does and how long already. */
function Working({ file, checking }: { file: File; checking: boolean }) {
  const { t } = useAdminText();
  const rows = useQuery({
    queryKey: ['rows', file.name, file.size, file.lastModified],
    queryFn: async () => Math.max(0, (await file.text()).trimEnd().split('\n').length - 1),
  });
  const values = { count: rows.data ?? 0, rows: number(rows.data ?? 0) };
  return (
    <Card withBorder role="status">
      <Text size="sm" fw={600} mb="xs">
        {!rows.data
          ? t('import.checking')
          : checking
            ? t('import.checkingRows', values)
            : t('import.importingRows', values)}
      </Text>
      <Progress value={100} animated aria-label={t('bulk.progress')} />
      {!checking && (
        <Text size="xs" c="dimmed" mt="xs">
          {t('import.leave')}
        </Text>
      )}
    </Card>
  );
}

function RowErrors({ rows }: { rows: FieldError[] }) {
  const { t } = useAdminText();
  return (
    <Alert
      color="red"
      icon={<IconAlertTriangle />}
      role="alert"
      title={t('import.bad', { count: rows.length })}
    >
      <Text size="sm" mb="xs">
        {t('import.badText')}
      </Text>
      <Table.ScrollContainer minWidth={360} maxHeight={400}>
        <Table stickyHeader>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('import.line')}</Table.Th>
              <Table.Th>{t('import.column')}</Table.Th>
              <Table.Th>{t('import.reason')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.slice(0, 500).map((row, place) => (
              <Table.Tr key={place}>
                <Table.Td>{row.line}</Table.Td>
                <Table.Td>{textOf(`field.${row.field}`, row.field)}</Table.Td>
                <Table.Td>{row.reason}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Alert>
  );
}
