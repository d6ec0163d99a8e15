import { Stack, Text } from '@mantine/core';
import { IconUser } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Problem } from '../api/problem';
import { queries } from '../api/queries';
import { Face } from '../ui/Face';
import { Facts } from '../ui/Facts';
import { Sheet } from '../ui/Sheet';
import { EmptyState, ErrorState, Loading } from '../ui/States';

export const FIELDS = [
  'email',
  'first_name',
  'middle_name',
  'last_name',
  'organisation',
  'branch',
  'department',
  'job_title',
  'manager',
  'address',
  'mobile_phone',
  'work_phone',
  'home_phone',
  'sip_number',
] as const;

/** Somebody of the address book, as the settings of the server show them to others. */
export function PersonSheet({ id, close }: { id: string; close: () => void }) {
  const { t } = useTranslation();
  const person = useQuery(queries.person(id));
  const { data } = person;
  const gone = person.error instanceof Problem && person.error.code === 'not-found';
  return (
    <Sheet title={<Text fw={650}>{data?.display_name ?? id}</Text>} close={close}>
      {data ? (
        <Stack gap="md">
          <Face name={data.display_name} size={72} />
          <Facts
            facts={[
              [t('field.id'), data.user_id],
              ...FIELDS.map((field) => fact(t(`field.${field}`), data[field])),
            ]}
          />
        </Stack>
      ) : gone ? (
        <EmptyState icon={<IconUser />} title={t('contacts.gone')} text={t('contacts.goneText')} />
      ) : person.error ? (
        <ErrorState error={person.error} retry={() => void person.refetch()} />
      ) : (
        <Loading rows={4} />
      )}
    </Sheet>
  );
}

const fact = (name: string, value: string): [string, string] => [name, value];
