import { Alert, Stack } from '@mantine/core';
import { IconFlask, IconGift } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries';
import { Page } from '../ui/Page';
import { ErrorState, Loading } from '../ui/States';
import { useAdminText } from '../ui/text';
import { LicenceFiles } from './LicenceFiles';
import { LicenseManager } from './LicenseManager';
import { PermanentPro } from './PermanentPro';
import { SeatHolders } from './SeatHolders';
import { SeatsInUse } from './SeatsInUse';

/** What the server may use, who uses it, and the files that say so. */
export function LicencePage() {
  const { t } = useAdminText();
  const licence = useQuery(queries.licence());
  const seats = useQuery(queries.seats());
  const error = licence.error ?? seats.error;
  return (
    <Page title={t('common:nav.licence')} purpose={t('licence.purpose')}>
      {licence.data && seats.data ? (
        <Stack gap="md">
          {licence.data.development && (
            <Alert color="yellow" icon={<IconFlask />} title={t('licence.development')}>
              {t('licence.developmentText')}
            </Alert>
          )}
          {licence.data.free && (
            <Alert color="blue" variant="light" icon={<IconGift />} title={t('licence.free')}>
              {t('licence.freeText')}
            </Alert>
          )}
          <SeatsInUse seats={seats.data} />
          {!seats.data.one_pool && <SeatHolders seats={seats.data} />}
          {!seats.data.one_pool && <PermanentPro seats={seats.data} />}
          <LicenseManager licence={licence.data} />
          {!licence.data.license_manager && <LicenceFiles licence={licence.data} />}
        </Stack>
      ) : error ? (
        <ErrorState
          error={error}
          retry={() => {
            void licence.refetch();
            void seats.refetch();
          }}
        />
      ) : (
        <Loading rows={5} height={88} />
      )}
    </Page>
  );
}
