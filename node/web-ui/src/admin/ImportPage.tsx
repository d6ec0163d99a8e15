import {
  Alert,
  Anchor,
  Button,
  Card,
  Code,
  FileButton,
  Group,
  List,
  Stack,
  Table,
  Text,
} from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconFileImport, IconFileText } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { calls } from '../api/calls';
import { Problem, type FieldProblem } from '../api/problem';
import { tell } from '../ui/notify';
import { Page } from '../ui/Page';
import { ErrorState } from '../ui/States';
import { bytes, textOf, useAdminText } from '../ui/text';
import { useMayChange } from '../ui/useMe';

const LARGEST = 16 * 1024 * 1024;
const columns =
  'id;password;display_name;email;first_name;middle_name;last_name;organisation;branch;department;job_title;manager;address;mobile_phone;work_phone;home_phone;sip_number;groups;active;admin;bandwidth_in_kbps;bandwidth_out_kbps';

/** First looks without changing anything, then imports all rows or none. */
export function ImportPage() {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const cache = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const check = useMutation({ mutationFn: (csv: File) => calls.importUsers(csv, true) });
  const run = useMutation({
    mutationFn: (csv: File) => calls.importUsers(csv, false),
    onSuccess: async (result) => {
      await cache.invalidateQueries();
      tell(t('import.done', { ...result }));
    },
  });
  const choose = (next: File | null) => {
    setFile(next);
    run.reset();
    if (next && next.size <= LARGEST) check.mutate(next);
    else check.reset();
  };
  const tooLarge = !!file && file.size > LARGEST;
  const problem = (run.error ?? check.error) as Problem | null;
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
              <FileButton accept=".csv,text/csv" onChange={choose} disabled={!mayChange}>
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
        {check.isPending && <Text role="status">{t('import.checking')}</Text>}
        {tooLarge && <ErrorState error={new Problem('import-too-large', 413)} />}
        {problem && problem.fields.length > 0 ? (
          <RowErrors rows={problem.fields} />
        ) : (
          problem && <ErrorState error={problem} retry={file ? () => check.mutate(file) : undefined} />
        )}
        {check.data && !run.data && !problem && file && (
          <Alert color="blue" icon={<IconCircleCheck />} title={t('import.good')}>
            <Stack gap="sm" align="flex-start">
              <Text size="sm">{t('import.will', { ...check.data })}</Text>
              <Button
                leftSection={<IconFileImport size={16} />}
                loading={run.isPending}
                onClick={() => run.mutate(file)}
              >
                {t('import.action')}
              </Button>
            </Stack>
          </Alert>
        )}
        {run.data && (
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

function RowErrors({ rows }: { rows: FieldProblem[] }) {
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
