import { createFileRoute } from '@tanstack/react-router';
import { DevicesPage } from '../account/DevicesPage';

export const Route = createFileRoute('/_app/devices')({ component: DevicesPage });
