import { useQuery } from '@tanstack/react-query';
import { IconDevices } from '@tabler/icons-react';
import { queries } from '../api/queries';
import type { User } from '../api/types';
import { DeviceList } from '../ui/DeviceList';
import { EmptyState, ErrorState, Loading } from '../ui/States';
import { useAdminText } from '../ui/text';

export function UserDevices({ user }: { user: User }) {
  const { t } = useAdminText();
  const devices = useQuery(queries.userDevices(user.id));
  if (devices.error) return <ErrorState error={devices.error} retry={() => void devices.refetch()} />;
  if (!devices.data) return <Loading rows={2} height={60} />;
  if (devices.data.length === 0) {
    return <EmptyState icon={<IconDevices />} title={t('user.noDevices')} text={t('user.noDevicesText')} />;
  }
  // Which one is "this device" is about the reader, not about this user.
  return <DeviceList devices={devices.data.map((device) => ({ ...device, current: false }))} />;
}
