import { Checkbox, Table } from '@mantine/core';
import type { ProfileVisibility, VisibleField } from '../api/types';
import { useAdminText } from '../ui/text';
import type { Draft } from '../ui/useDraft';
import type { FlatSettings } from './settingsDraft';

const FIELDS: VisibleField[] = [
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
];
const VIEWERS: (keyof ProfileVisibility)[] = ['people', 'partners'];

/** Which fields of profiles people here see, and which those of other servers. */
export function ProfileVisibilityFields({
  draft,
  readOnly,
}: {
  draft: Draft<FlatSettings>;
  readOnly: boolean;
}) {
  const { t } = useAdminText();
  return (
    <Table withRowBorders verticalSpacing={6} horizontalSpacing="xs" maw={560}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('visibility.field')}</Table.Th>
          {VIEWERS.map((viewer) => (
            <Table.Th key={viewer}>{t(`setting.profile_fields.${viewer}`)}</Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {FIELDS.map((field) => (
          <Table.Tr key={field}>
            <Table.Th scope="row" fw={400}>
              {t(`common:field.${field}`)}
            </Table.Th>
            {VIEWERS.map((viewer) => {
              const shown = draft.value[`profile_fields.${viewer}`];
              return (
                <Table.Td key={viewer}>
                  <Checkbox
                    aria-label={t(`visibility.${viewer}`, { field: t(`common:field.${field}`) })}
                    disabled={readOnly}
                    checked={shown.includes(field)}
                    onChange={(event) =>
                      draft.set(
                        `profile_fields.${viewer}`,
                        // In the order in which the server has them.
                        FIELDS.filter((one) =>
                          one === field ? event.currentTarget.checked : shown.includes(one),
                        ),
                      )
                    }
                  />
                </Table.Td>
              );
            })}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
