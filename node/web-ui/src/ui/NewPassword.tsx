import { Group, List, PasswordInput, Text } from '@mantine/core';
import { IconCheck, IconCircleDashed } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries';
import { checkPolicy, LONGEST_PASSWORD } from './policy';

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error?: string;
  required?: boolean;
}

/** A new password, with what the policy asks for ticked off as one types. */
export function NewPassword({ label, value, onChange, error, required }: Props) {
  const { t } = useTranslation();
  const policy = useQuery(queries.passwordPolicy());
  const hint = useId();
  const rules = policy.data ? checkPolicy(policy.data, value) : [];
  return (
    <div>
      <PasswordInput
        label={label}
        required={required}
        withAsterisk={false}
        autoComplete="new-password"
        visibilityToggleButtonProps={{ 'aria-label': t('front.showPassword') }}
        value={value}
        error={error}
        aria-describedby={hint}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <List
        id={hint}
        listStyleType="none"
        mt={6}
        spacing={2}
        size="sm"
        aria-live="polite"
        withPadding={false}
      >
        {rules.map(({ rule, met }) => (
          <List.Item key={rule}>
            <Group gap={6} wrap="nowrap" c={met ? 'var(--plenary-good)' : 'dimmed'}>
              {met ? <IconCheck size={14} aria-hidden /> : <IconCircleDashed size={14} aria-hidden />}
              <Text size="xs">
                {t(`policy.${rule}`, { count: policy.data!.min_length, longest: LONGEST_PASSWORD })}
                {met && ` (${t('policy.met')})`}
              </Text>
            </Group>
          </List.Item>
        ))}
      </List>
    </div>
  );
}
