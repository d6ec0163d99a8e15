import { Fieldset, SimpleGrid, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Profile, ProfileField } from '../api/types';

const sections = [
  { key: 'profile.name', fields: ['display_name', 'email', 'first_name', 'middle_name', 'last_name'] },
  {
    key: 'profile.work',
    fields: ['organisation', 'branch', 'department', 'job_title', 'manager', 'address'],
  },
  { key: 'profile.phones', fields: ['mobile_phone', 'work_phone', 'home_phone', 'sip_number'] },
] as const;

const types: Partial<Record<ProfileField, string>> = {
  email: 'email',
  mobile_phone: 'tel',
  work_phone: 'tel',
  home_phone: 'tel',
};

interface Props {
  value: Profile;
  set: (field: ProfileField, value: string) => void;
  errors?: Record<string, string>;
  readOnly?: boolean;
}

/** Whether an address of mail can be one; the server has the last word. */
export function looksLikeEmail(text: string): boolean {
  return text === '' || /^[^\s@]+@[^\s@]+$/.test(text);
}

/** The fields of a profile in their sections. */
export function ProfileFields({ value, set, errors = {}, readOnly }: Props) {
  const { t } = useTranslation();
  const wrong = (field: ProfileField) =>
    errors[field] ?? (field === 'email' && !looksLikeEmail(value.email) ? t('profile.badEmail') : undefined);
  return (
    <>
      {sections.map((section) => (
        <Fieldset key={section.key} legend={t(section.key)} mb="md">
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
            {section.fields.map((field) => (
              <TextInput
                key={field}
                label={t(`field.${field}`)}
                type={types[field] ?? 'text'}
                maxLength={field === 'email' ? 254 : 256}
                value={value[field]}
                error={wrong(field)}
                readOnly={readOnly}
                onChange={(event) => set(field, event.currentTarget.value)}
              />
            ))}
          </SimpleGrid>
        </Fieldset>
      ))}
    </>
  );
}
