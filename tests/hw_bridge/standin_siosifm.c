/* A stand-in for the vendor's library: one device with four channels, whose lengths a test sets through SetLength. */
static int opened = 0, started = 0, edlen[4] = {1, 1, 1, 1}, available = 0, fault = 0, flags = 0, vanish = 0;
static double length_nm[4] = {0, 0, 0, 0}, slope_nm[4] = {0, 0, 0, 0}, zero_nm[4] = {0, 0, 0, 0}, rate = 0;
static long taken = 0;

/* of the test */
void SetLength(int channel, double nm, double nm_per_value) { length_nm[channel] = nm; slope_nm[channel] = nm_per_value; }
void SetFault(int what) { fault = what; } /* 1 beam, 2 lost, 3 laser, 4 stops, 5 start fails, 6 edlen stays, 7 half the rate,
   8 zero stays, 9 its own rate */
void Vanish(int gone) { vanish = gone; }
int Opened(void) { return opened; }

int IfmInit(void) { return 0; }
void IfmClose(void) {}
int IfmSearchUSBDevices(void) { return 1; }
int IfmOpenUSB(int id) { if (id != 0) return -2; opened++; return 0; }
int IfmOpenNetwork(const char *ip, int port) { (void)ip; return port == 2121 ? 0 : -3; }
int IfmOpenCOM(const char *name) { (void)name; return -4; }
void IfmCloseDevice(int dev) { (void)dev; opened--; }
int IfmDeviceValid(int dev) { return dev == 0 && !vanish; }
int IfmChannels(int dev) { (void)dev; return 2; }
int IfmFirmwareVersion(int dev) { (void)dev; return 512; }
int IfmDeviceInfo(int dev, int what) { (void)dev; return what == 2 ? (int)rate : what == 4 ? flags : what == 9 ? 4711 : 0; }
int IfmSetMeasurement(int dev, unsigned f, double owr) { (void)dev; flags = (int)f; rate = fault == 7 ? owr / 2 : fault == 9 ? 0.995 * owr : owr; return 0; }
int IfmClearBuffers(int dev) { (void)dev; available = 0; return 0; }
int IfmStart(int dev) { (void)dev; if (fault == 5) return -7; started = 1; taken = 0; return 0; }
int IfmStop(int dev) { (void)dev; started = 0; return 0; }
int IfmValueCount(int dev) { (void)dev; return started && !(fault == 4 && taken >= 3); }
int IfmGetValues(int dev) { (void)dev; taken++; return 1; }
double IfmLengthValue(int dev, int c) { (void)dev; return length_nm[c] + slope_nm[c] * (taken - 1) - zero_nm[c]; }
int IfmSetToZero(int dev, int mask) { (void)dev; for (int c = 0; c < 4; c++) if (mask >> c & 1 && fault != 8) zero_nm[c] = length_nm[c]; return 0; }
int IfmWasBeamBreak(int dev, int c) { (void)dev; (void)c; return fault == 1; }
int IfmWasLostValues(int dev) { (void)dev; return fault == 2; }
int IfmWasLaserUnstable(int dev, int c) { (void)dev; (void)c; return fault == 3; }
void IfmEnableEdlenCorrection(int dev, int c, int on) { (void)dev; if (fault != 6) edlen[c] = on; }
int IfmIsEdlenEnabled(int dev, int c) { (void)dev; return edlen[c]; }
const char *IfmGetErrorString(int e) { return e == -2 ? "no such device" : e == -7 ? "not ready" : "failed"; }
