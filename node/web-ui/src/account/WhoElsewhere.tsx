import { Group, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconUserCheck, IconUserQuestion } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries';
import type { Looked } from '../api/types';
import { problemText } from '../ui/text';
import { elsewhereIn } from './elsewhere';

/** A name is asked for when nothing was typed for so long. */
const TYPED_MS = 600;

/** Says who a name of another server is, while it is typed. */
export function WhoElsewhere({ typed }: { typed: string }) {
  const { t } = useTranslation();
  const own = useQuery(queries.server()).data?.name;
  const [call] = useDebouncedValue(typed.trim(), TYPED_MS);
  const named = own === undefined ? null : elsewhereIn(call, own);
  const { data, error } = useQuery({ ...queries.look(named ?? ''), enabled: named !== null });
  if (named === null) return null;
  const server = named.slice(named.indexOf('@') + 1);
  const text = data ? whoText(t, data) : error ? problemText(error) : t('elsewhere.looking', { server });
  const known = data && data.kind !== 'nothing' && data.kind !== 'unknown';
  return (
    <Group gap={6} wrap="nowrap" align="flex-start" role="status">
      {known ? <IconUserCheck size={16} aria-hidden /> : <IconUserQuestion size={16} aria-hidden />}
      <Text size="sm" c={known ? undefined : 'dimmed'}>
        {text}
      </Text>
    </Group>
  );
}

function whoText(t: TFunction, { id, kind, person, conference, reason }: Looked): string {
  const server = id.slice(id.indexOf('@') + 1);
  switch (kind) {
    case 'person':
      return t('elsewhere.person', {
        name: person?.display_name || person?.user_id || id,
        id: person?.user_id ?? id,
      });
    case 'group':
      return t('elsewhere.group', { server });
    case 'conference':
      return t('elsewhere.conference', { id: conference ?? id });
    case 'nothing':
      return t('elsewhere.nothing', { server });
    default:
      return t('elsewhere.unknownNow', { reason: reason ?? '' });
  }
}
