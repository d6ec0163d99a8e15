import { Alert, Button, Center, Code, Group, Skeleton, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { IconAlertTriangle, IconPlugConnectedX, IconRefresh } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { asProblem } from '../api/problem';
import { problemText } from './text';

/** What happened, what to do, and the button that does it. */
export function ErrorState({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const problem = asProblem(error);
  const offline = problem.code === 'network';
  return (
    <Alert
      color={offline ? 'yellow' : 'red'}
      variant="light"
      role="alert"
      icon={offline ? <IconPlugConnectedX /> : <IconAlertTriangle />}
      title={t(offline ? 'state.offline' : 'state.failed')}
    >
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{problemText(problem)}</Text>
        {problem.requestId && problem.status >= 500 && (
          <Text size="xs">
            {t('state.request')} <Code>{problem.requestId}</Code>
          </Text>
        )}
        {retry && (
          <Button size="xs" variant="default" leftSection={<IconRefresh size={14} />} onClick={retry}>
            {t('action.retry')}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** A page without anything yet teaches the first step. */
export function EmptyState(props: {
  icon: ReactNode;
  title: string;
  text: ReactNode;
  action?: ReactNode;
  /** 1 where it is the whole page. */
  order?: 1 | 2;
}) {
  return (
    <Center py={48} px="md" mih={240}>
      <Stack align="center" gap="xs" maw={440} ta="center">
        <ThemeIcon size={56} radius="xl" variant="light" aria-hidden>
          {props.icon}
        </ThemeIcon>
        <Title order={props.order ?? 2} size="h3" mt="xs">
          {props.title}
        </Title>
        <Text size="sm" c="dimmed">
          {props.text}
        </Text>
        {props.action && (
          <Group mt="sm" justify="center">
            {props.action}
          </Group>
        )}
      </Stack>
    </Center>
  );
}

/** Grey lines where something is about to be. */
export function Loading({ rows = 5, height = 36 }: { rows?: number; height?: number }) {
  const { t } = useTranslation();
  return (
    <Stack gap="xs" role="status" aria-label={t('state.loading')} py="xs">
      {Array.from({ length: rows }, (_, place) => (
        <Skeleton key={place} height={height} radius="sm" />
      ))}
    </Stack>
  );
}
