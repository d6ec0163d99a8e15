import { Alert, List, Text, ThemeIcon } from '@mantine/core';
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react';
import type { PartnerTried } from '../api/types';
import { useAdminText } from '../ui/text';

/** What came of trying to reach another server, step by step. */
export function TrialResult({ tried }: { tried: PartnerTried }) {
  const { t } = useAdminText();
  const { certificate, server } = tried;
  return (
    <Alert
      color={tried.good ? 'green' : 'red'}
      variant="light"
      icon={tried.good ? <IconCheck /> : <IconAlertTriangle />}
      title={t(tried.good ? 'partner.good' : 'partner.bad', { server })}
    >
      <List spacing="xs" size="sm" listStyleType="none">
        {tried.steps.map(({ step, good, detail, took_ms }) => (
          <List.Item
            key={step}
            icon={
              <ThemeIcon size={20} radius="xl" variant="light" color={good ? 'green' : 'red'}>
                {good ? <IconCheck size={14} /> : <IconAlertTriangle size={14} />}
              </ThemeIcon>
            }
          >
            <Text span fw={600} size="sm">
              {t(`partner.step.${step}`)}
            </Text>{' '}
            <Text span size="sm" style={{ overflowWrap: 'anywhere' }}>
              {t('partner.took', { detail, ms: took_ms })}
            </Text>
          </List.Item>
        ))}
      </List>
      {certificate && (
        <Text size="sm" mt="sm" style={{ overflowWrap: 'anywhere' }}>
          {t('partner.certificate', {
            subject: certificate.subject || certificate.names.join(', '),
            issuer: certificate.issuer,
            until: certificate.expires_at.slice(0, 10),
            fingerprint: certificate.fingerprint,
          })}
        </Text>
      )}
    </Alert>
  );
}
