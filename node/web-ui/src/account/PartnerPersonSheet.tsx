import { Stack, Text } from '@mantine/core';
import { IconPlugConnectedX, IconUser } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries';
import type { Looked } from '../api/types';
import { Face } from '../ui/Face';
import { Facts } from '../ui/Facts';
import { serverOf } from '../ui/foreign';
import { Sheet } from '../ui/Sheet';
import { EmptyState, ErrorState, Loading } from '../ui/States';
import { PresenceStatus } from '../ui/Status';
import { FIELDS } from './PersonSheet';

/** Somebody of another server, as that one shows them to people of this one. */
export function PartnerPersonSheet({ id, close }: { id: string; close: () => void }) {
  const { data, error, refetch } = useQuery(queries.look(id));
  const title = data?.person?.display_name || id;
  return (
    <Sheet title={<Text fw={650}>{title}</Text>} close={close}>
      {data ? (
        <Shown looked={data} />
      ) : error ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : (
        <Loading rows={4} />
      )}
    </Sheet>
  );
}

function Shown({ looked }: { looked: Looked }) {
  const { t } = useTranslation();
  const { id, kind, person, presence, conference, reason } = looked;
  const server = serverOf(id) ?? '';
  if (kind === 'unknown')
    return <EmptyState icon={<IconPlugConnectedX />} title={t('elsewhere.unknown')} text={reason ?? ''} />;
  if (kind === 'nothing')
    return (
      <EmptyState
        icon={<IconUser />}
        title={t('elsewhere.nobody')}
        text={t('elsewhere.nothing', { server })}
      />
    );
  if (!person)
    return (
      <Text size="sm">
        {kind === 'group'
          ? t('elsewhere.group', { server })
          : t('elsewhere.conference', { id: conference ?? id })}
      </Text>
    );
  return (
    <Stack gap="md">
      <Face name={person.display_name || id} size={72} />
      {presence && <PresenceStatus presence={presence} />}
      <Facts
        facts={[
          [t('field.id'), person.user_id],
          ...FIELDS.map((field): [string, string] => [t(`field.${field}`), person[field]]),
        ]}
      />
      <Text size="xs" c="dimmed">
        {t('elsewhere.shown', { server })}
      </Text>
    </Stack>
  );
}
