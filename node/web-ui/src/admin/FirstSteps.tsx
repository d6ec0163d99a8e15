import { Anchor, Button, Card, Group, Stack, Text, Title } from '@mantine/core';
import { IconCircleCheckFilled, IconCircleDashed } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { queries } from '../api/queries';
import type { Cluster } from '../api/types';
import { useAdminText } from '../ui/text';
import { useMayChange } from '../ui/useMe';
import { lastBackup } from './lastBackup';

const KEY = 'plenary.firstSteps';

/** What a new server wants first; each step ticks itself off, and after the last one the list is gone. */
export function FirstSteps({ cluster }: { cluster: Cluster }) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const settings = useQuery(queries.settings());
  const [hidden, hide] = useState(localStorage.getItem(KEY) === 'done');
  if (hidden || !mayChange || !settings.data) return null;
  const steps = [
    { id: 'name', done: settings.data.front_page.title !== '', to: '/admin/settings' },
    { id: 'people', done: cluster.users_total > 1, to: '/admin/users' },
    { id: 'nodes', done: cluster.nodes.length >= 3, to: '/admin/nodes' },
    { id: 'backup', done: lastBackup.at() !== null, to: '/admin/backup' },
  ] as const;
  const left = steps.filter((step) => !step.done).length;
  if (left === 0) return null;
  return (
    <Card withBorder padding="lg" component="section" aria-labelledby="steps">
      <Group justify="space-between" gap="xs" mb="sm">
        <Title order={2} size="h3" id="steps">
          {t('steps.title')}
        </Title>
        <Button
          size="compact-sm"
          variant="subtle"
          onClick={() => {
            localStorage.setItem(KEY, 'done');
            hide(true);
          }}
        >
          {t('steps.hide')}
        </Button>
      </Group>
      <Stack gap={8} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
        {steps.map((step) => (
          <Group key={step.id} component="li" gap={10} wrap="nowrap" align="flex-start">
            {step.done ? (
              <IconCircleCheckFilled
                size={20}
                color="var(--plenary-good)"
                style={{ flex: 'none' }}
                aria-hidden
              />
            ) : (
              <IconCircleDashed size={20} style={{ flex: 'none' }} aria-hidden />
            )}
            <Text size="sm">
              {step.done ? (
                <Text span c="dimmed">
                  {t(`steps.${step.id}`)} ({t('steps.done')})
                </Text>
              ) : (
                <>
                  <Anchor inherit underline="always" renderRoot={(props) => <Link to={step.to} {...props} />}>
                    {t(`steps.${step.id}`)}
                  </Anchor>{' '}
                  <Text span c="dimmed">
                    {t(`steps.${step.id}Why`)}
                  </Text>
                </>
              )}
            </Text>
          </Group>
        ))}
      </Stack>
    </Card>
  );
}
