import { Box, Button, Card, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangleFilled, IconExclamationCircleFilled } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ClusterProblem } from '../api/types';
import { useAdminText } from '../ui/text';
import { isOfPartner, toneOf, troubleText, worstFirst } from './trouble';

/** What needs a person, worst first: what it is, what it means, what to do. `here`: the node that is open. */
export function Problems({ problems, here }: { problems: ClusterProblem[]; here?: string }) {
  const { t } = useAdminText();
  if (problems.length === 0) return null;
  return (
    <Stack gap="xs" component="section" aria-label={t('summary.problems')}>
      {worstFirst(problems).map((problem) => {
        const { title, means, todo } = troubleText(problem);
        const tone = toneOf(problem);
        const Icon = tone === 'bad' ? IconExclamationCircleFilled : IconAlertTriangleFilled;
        return (
          <Card key={`${problem.code} ${problem.object}`} withBorder padding="md">
            <Group gap="sm" wrap="nowrap" align="flex-start">
              <Box c={`var(--plenary-${tone})`} aria-hidden style={{ flex: 'none' }}>
                <Icon size={22} />
              </Box>
              <Group justify="space-between" gap="sm" style={{ flex: 1 }}>
                <div style={{ flex: '1 1 320px' }}>
                  <Text fw={600}>
                    {title}{' '}
                    <Text span size="xs" fw={600} c={`var(--plenary-${tone})`}>
                      {t(`severity.${problem.severity}`)}
                    </Text>
                  </Text>
                  <Text size="sm">{means}</Text>
                  <Text size="sm" c="dimmed">
                    {todo}
                  </Text>
                </div>
                {problem.object && problem.object !== here && (
                  <Button
                    size="xs"
                    variant="default"
                    renderRoot={(props) =>
                      isOfPartner(problem) ? (
                        <Link to="/admin/partners" search={{ partner: problem.object }} {...props} />
                      ) : (
                        <Link to="/admin/nodes" search={{ node: problem.object }} {...props} />
                      )
                    }
                  >
                    {t('summary.showNode', { name: problem.object })}
                  </Button>
                )}
              </Group>
            </Group>
          </Card>
        );
      })}
    </Stack>
  );
}
