import { Checkbox, List, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DocumentLink } from './DocumentLink';
import type { AgreementState } from './useAgreement';

/** What guests read and agree to before they come in; nothing where nothing is asked. */
export function Agreement({ agreement }: { agreement: AgreementState }) {
  const { t } = useTranslation();
  const { documents, checked, missing, choose } = agreement;
  if (documents.length === 0) return null;
  return (
    <Stack gap={6}>
      <Text size="sm" id="agreement">
        {t('agreement.read')}
      </Text>
      <List size="sm" spacing={4} aria-labelledby="agreement">
        {documents.map((document) => (
          <List.Item key={document.place}>
            <DocumentLink document={document} />
          </List.Item>
        ))}
      </List>
      <Checkbox
        label={t('agreement.agree')}
        checked={checked}
        error={missing && t('agreement.missing')}
        onChange={(event) => choose(event.currentTarget.checked)}
      />
    </Stack>
  );
}
