import { Alert, Box, Button, Collapse, Group, Paper, Stack, Table, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconUsersGroup } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import classes from './ChangesBar.module.css';
import type { Draft } from './useDraft';

interface Props<T> {
  draft: Draft<T>;
  label: (field: string) => string;
  show: (field: string, value: unknown) => string;
  save: () => void;
  saving: boolean;
  /** Something is not right yet: saving has to wait. */
  blocked?: boolean;
}

/** "3 changes · review · save", with before → after; and what to do when somebody else was faster. */
export function ChangesBar<T>({ draft, label, show, save, saving, blocked }: Props<T>) {
  const { t } = useTranslation();
  const [reviewing, review] = useDisclosure(false);
  if (draft.changes.length === 0) return null;
  return (
    <Paper
      className={classes.bar}
      withBorder
      shadow="md"
      p="sm"
      role="region"
      aria-label={t('changes.region')}
    >
      {draft.stale && <Stale draft={draft} label={label} show={show} />}
      <Collapse expanded={reviewing && !draft.stale}>
        <Box className={classes.review}>
          <Review draft={draft} label={label} show={show} />
        </Box>
      </Collapse>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={600} aria-live="polite">
          {t('changes.count', { count: draft.changes.length })}
        </Text>
        <Group gap="xs">
          {!draft.stale && (
            <Button size="xs" variant="default" aria-expanded={reviewing} onClick={review.toggle}>
              {t('changes.review')}
            </Button>
          )}
          <Button size="xs" variant="default" onClick={draft.reset}>
            {t('changes.discard')}
          </Button>
          <Button size="xs" onClick={save} loading={saving} disabled={draft.stale || blocked}>
            {t('action.save')}
          </Button>
        </Group>
      </Group>
    </Paper>
  );
}

type Words = { label: (field: string) => string; show: (field: string, value: unknown) => string };

function Review<T>({ draft, label, show }: { draft: Draft<T> } & Words) {
  const { t } = useTranslation();
  return (
    <Table mb="sm" verticalSpacing={6}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('changes.field')}</Table.Th>
          <Table.Th>{t('changes.before')}</Table.Th>
          <Table.Th>{t('changes.after')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {draft.changes.map((change) => (
          <Table.Tr key={change.field}>
            <Table.Td>{label(change.field)}</Table.Td>
            <Table.Td c="dimmed">{show(change.field, change.before)}</Table.Td>
            <Table.Td>{show(change.field, change.after)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Stale<T>({ draft, label, show }: { draft: Draft<T> } & Words) {
  const { t } = useTranslation();
  return (
    <Alert color="yellow" icon={<IconUsersGroup />} title={t('stale.title')} mb="sm" role="alert">
      <Stack gap="xs">
        <Text size="sm">{t('stale.text')}</Text>
        <Box className={classes.review}>
          <Table verticalSpacing={6}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('changes.field')}</Table.Th>
                <Table.Th>{t('stale.theirs')}</Table.Th>
                <Table.Th>{t('stale.yours')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {draft.changes.map((change) => (
                <Table.Tr key={change.field}>
                  <Table.Td>{label(change.field)}</Table.Td>
                  <Table.Td>{show(change.field, draft.theirs[change.field as keyof T])}</Table.Td>
                  <Table.Td>{show(change.field, change.after)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Box>
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={draft.reset}>
            {t('stale.takeTheirs')}
          </Button>
          <Button size="xs" variant="default" onClick={draft.rebase}>
            {t('stale.keepMine')}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
