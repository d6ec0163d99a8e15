import { Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQueries, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries';
import type { MayMeet } from '../api/types';
import { serversOf } from './serversOf';

/** Says of which other servers the people who were named cannot come, and why. They may be named all the same. */
export function NotMet({ people }: { people: string[] }) {
  const own = useQuery(queries.server()).data?.name;
  const servers = own === undefined ? [] : serversOf(people, own);
  const found = useQueries({ queries: servers.map((server) => queries.mayMeet(server)) });
  const strange = found.flatMap(({ data }) => (data && !data.conferences ? [data] : []));
  return (
    <Stack gap={4} role="status">
      {strange.map((data) => (
        <Strange key={data.server} data={data} />
      ))}
    </Stack>
  );
}

function Strange({ data: { server, reason } }: { data: MayMeet }) {
  const { t } = useTranslation();
  const text =
    reason === 'off'
      ? t('elsewhere.notMet.off', { server })
      : reason === 'not_allowed'
        ? t('elsewhere.notMet.notAllowed', { server })
        : t('elsewhere.notMet.noConferences', { server });
  return (
    <Group gap={6} wrap="nowrap" align="flex-start" mt={4}>
      <IconAlertTriangle size={16} aria-hidden style={{ flexShrink: 0, marginTop: 2 }} />
      <Text size="sm">{text}</Text>
    </Group>
  );
}
