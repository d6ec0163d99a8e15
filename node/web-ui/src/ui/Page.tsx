import { Box, Group, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import classes from './Page.module.css';

interface Props {
  title: string;
  /** One sentence on what the page is for. */
  purpose?: ReactNode;
  /** The one primary action, and quiet ones before it. */
  action?: ReactNode;
  /** The content fills the height and scrolls itself (tables). */
  fill?: boolean;
  /** Reading width for forms. */
  narrow?: boolean;
  children: ReactNode;
}

export function Page({ title, purpose, action, fill, narrow, children }: Props) {
  useDocumentTitle(`${title} · Plenary`);
  return (
    <Box className={classes.page} data-fill={fill || undefined} data-narrow={narrow || undefined}>
      <Group justify="space-between" align="flex-start" gap="sm" mb="md" wrap="wrap">
        <Stack gap={2} className={classes.head}>
          <Title order={1}>{title}</Title>
          {purpose && (
            <Text size="sm" c="dimmed" maw="68ch">
              {purpose}
            </Text>
          )}
        </Stack>
        {action && <Group gap="xs">{action}</Group>}
      </Group>
      {children}
    </Box>
  );
}
