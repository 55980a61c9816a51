// SPDX-License-Identifier: BSD-3-Clause
#include "vectors.h"

// RFC 3602, SP 800-38A, RFC 2202 and RFC 4868 know one half of a suite each: the cipher's data goes where text is, the
// MAC's where SPI, sequence number and text are.
// clang-format off
#define CBC_128(id) \
	{.source = "RFC 3602 section 4, case 1", .suite = id, \
		.enc = "06a9214036b8a15b512e03d534120006", \
		.header = "0000010000000001", \
		.iv = "3dafba429d9eb430b422da802c9fac41", \
		.text = "53696e676c6520626c6f636b206d7367", \
		.sealed = "e353779c1079aeb82708942dbe77181a"}, \
	{.source = "RFC 3602 section 4, case 2", .suite = id, \
		.enc = "c286696d887c9aa0611bbb3e2025a45a", \
		.header = "0000010000000001", \
		.iv = "562e17996d093d28ddb3ba695a2e6f58", \
		.text = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", \
		.sealed = "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1"}, \
	{.source = "RFC 3602 section 4, case 3", .suite = id, \
		.enc = "6c3ea0477630ce21a2ce334aa746c2cd", \
		.header = "0000010000000001", \
		.iv = "c782dc4c098c66cbd9cd27d825682c81", \
		.text = "5468697320697320612034382d62797465206d657373616765202865786163746c7920332041455320626c6f636b7329", \
		.sealed = "d0a02b3836451753d493665d33f0e8862dea54cdb293abc7506939276772f8d5021c19216bad525c8579695d83ba2684"}, \
	{.source = "RFC 3602 section 4, case 4", .suite = id, \
		.enc = "56e47a38c5598974bc46903dba290349", \
		.header = "0000010000000001", \
		.iv = "8ce82eefbea0da3c44699ed7db51b7d9", \
		.text = \
			"a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf" \
			"d0d1d2d3d4d5d6d7d8d9dadbdcdddedf", \
		.sealed = \
			"c30e32ffedc0774e6aff6af0869f71aa0f3af07a9a31a9c684db207eb0ef8e4e35907aa632c3ffdf868bb7b29d3d46ad" \
			"83ce9f9a102ee99d49a53e87f4c3da55"}, \
	{.source = "RFC 3602 section 4, case 5, transport mode ESP", .suite = id, \
		.enc = "90d382b410eeba7ad938c46cec1a82bf", \
		.header = "0000432100000001", \
		.iv = "e96e8c08ab465763fd098d45dd3ff893", \
		.text = \
			"08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627" \
			"28292a2b2c2d2e2f30313233343536370102030405060708090a0b0c0d0e0e01", \
		.sealed = \
			"f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52" \
			"775b07d1db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a6"},

#define CBC_256(id) \
	{.source = "NIST SP 800-38A, F.2.5", .suite = id, \
		.enc = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", \
		.header = "0000010000000001", \
		.iv = "000102030405060708090a0b0c0d0e0f", \
		.text = \
			"6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52ef" \
			"f69f2445df4f9b17ad2b417be66c3710", \
		.sealed = \
			"f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461" \
			"b2eb05e2c39be9fcda6c19078c6a9d1b"},

const struct vector vectors[] = {
	{.source = "NIST GCM spec (McGrew and Viega, 2005), appendix B, case 1", .suite = ESP_AES_GCM_128_16,
		.enc = "00000000000000000000000000000000",
		.salt = "00000000",
		.iv = "0000000000000000",
		.icv = "58e2fccefa7e3061367f1d57a4e7455a"},
	{.source = "NIST GCM spec (McGrew and Viega, 2005), appendix B, case 2", .suite = ESP_AES_GCM_128_16,
		.enc = "00000000000000000000000000000000",
		.salt = "00000000",
		.iv = "0000000000000000",
		.text = "00000000000000000000000000000000",
		.sealed = "0388dace60b6a392f328c2b971b2fe78",
		.icv = "ab6e47d42cec13bdf53a67b21257bddf"},
	{.source = "NIST GCM spec (McGrew and Viega, 2005), appendix B, case 3", .suite = ESP_AES_GCM_128_16,
		.enc = "feffe9928665731c6d6a8f9467308308",
		.salt = "cafebabe",
		.iv = "facedbaddecaf888",
		.text =
			"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
			"b16aedf5aa0de657ba637b391aafd255",
		.sealed =
			"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05"
			"1ba30b396a0aac973d58e091473f5985",
		.icv = "4d5c2af327cd64a62cf35abd2ba6fab4"},
	{.source = "NIST GCM spec (McGrew and Viega, 2005), appendix B, case 13", .suite = ESP_AES_GCM_256_16,
		.enc = "0000000000000000000000000000000000000000000000000000000000000000",
		.salt = "00000000",
		.iv = "0000000000000000",
		.icv = "530f8afbc74536b9a963b4f1c4cb738b"},
	{.source = "NIST GCM spec (McGrew and Viega, 2005), appendix B, case 14", .suite = ESP_AES_GCM_256_16,
		.enc = "0000000000000000000000000000000000000000000000000000000000000000",
		.salt = "00000000",
		.iv = "0000000000000000",
		.text = "00000000000000000000000000000000",
		.sealed = "cea7403d4d606b6e074ec5d3baf39d18",
		.icv = "d0d1c8a799996bf0265b98b5d48ab919"},
	{.source = "NIST GCM spec (McGrew and Viega, 2005), appendix B, case 15", .suite = ESP_AES_GCM_256_16,
		.enc = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		.salt = "cafebabe",
		.iv = "facedbaddecaf888",
		.text =
			"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
			"b16aedf5aa0de657ba637b391aafd255",
		.sealed =
			"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
			"c5f61e6393ba7a0abcc9f662898015ad",
		.icv = "b094dac5d93471bdec1a502270e3cc6c"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 1", .suite = ESP_AES_GCM_128_16,
		.enc = "4c80cdefbb5d10da906ac73c3613a634",
		.salt = "2e443b68",
		.header = "000043218765432100000000",
		.iv = "4956ed7e3b244cfe",
		.text =
			"45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000045f736970045f7564700373"
			"69700963796265726369747902646b000021000101020201",
		.sealed =
			"fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34cfa2436f14a3f3cf65925bf1f4a13c5d"
			"15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732",
		.icv = "459018148f6cbe722fd04796562dfdb4"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 1, tag cut (RFC 4106 section 6)", .suite = ESP_AES_GCM_128_12,
		.enc = "4c80cdefbb5d10da906ac73c3613a634",
		.salt = "2e443b68",
		.header = "000043218765432100000000",
		.iv = "4956ed7e3b244cfe",
		.text =
			"45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000045f736970045f7564700373"
			"69700963796265726369747902646b000021000101020201",
		.sealed =
			"fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34cfa2436f14a3f3cf65925bf1f4a13c5d"
			"15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732",
		.icv = "459018148f6cbe722fd04796"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 1, tag cut (RFC 4106 section 6)", .suite = ESP_AES_GCM_128_8,
		.enc = "4c80cdefbb5d10da906ac73c3613a634",
		.salt = "2e443b68",
		.header = "000043218765432100000000",
		.iv = "4956ed7e3b244cfe",
		.text =
			"45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000045f736970045f7564700373"
			"69700963796265726369747902646b000021000101020201",
		.sealed =
			"fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34cfa2436f14a3f3cf65925bf1f4a13c5d"
			"15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732",
		.icv = "459018148f6cbe72"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 2", .suite = ESP_AES_GCM_128_16,
		.enc = "feffe9928665731c6d6a8f9467308308",
		.salt = "cafebabe",
		.header = "0000a5f80000000a",
		.iv = "facedbaddecaf888",
		.text =
			"4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d0010000010000000000000373697009637962"
			"65726369747902646b00000100010001",
		.sealed =
			"deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c3de81827c10e9a4f51330d0eec416642"
			"cfbb85a5b47e48a4ec3b9ba95d918bd1",
		.icv = "83b70d3aa8bc6ee4c309e9d85a41ad4a"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 3", .suite = ESP_AES_GCM_256_16,
		.enc = "abbccddef00112233445566778899aababbccddef00112233445566778899aab",
		.salt = "11223344",
		.header = "4a2cbfe300000002",
		.iv = "0102030405060708",
		.text =
			"4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000020405b401010402"
			"01020201",
		.sealed =
			"ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763748a637985771d347f0545659f14e99d"
			"ef842d8e",
		.icv = "b335f4eecfdbf831824b4c4915956c96"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 3, tag cut (RFC 4106 section 6)", .suite = ESP_AES_GCM_256_12,
		.enc = "abbccddef00112233445566778899aababbccddef00112233445566778899aab",
		.salt = "11223344",
		.header = "4a2cbfe300000002",
		.iv = "0102030405060708",
		.text =
			"4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000020405b401010402"
			"01020201",
		.sealed =
			"ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763748a637985771d347f0545659f14e99d"
			"ef842d8e",
		.icv = "b335f4eecfdbf831824b4c49"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 3, tag cut (RFC 4106 section 6)", .suite = ESP_AES_GCM_256_8,
		.enc = "abbccddef00112233445566778899aababbccddef00112233445566778899aab",
		.salt = "11223344",
		.header = "4a2cbfe300000002",
		.iv = "0102030405060708",
		.text =
			"4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000020405b401010402"
			"01020201",
		.sealed =
			"ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763748a637985771d347f0545659f14e99d"
			"ef842d8e",
		.icv = "b335f4eecfdbf831"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 4", .suite = ESP_AES_GCM_128_16,
		.enc = "00000000000000000000000000000000",
		.salt = "00000000",
		.header = "0000000000000001",
		.iv = "0000000000000000",
		.text =
			"4500003c99c500008001cb7a40679318010101010800075c020044006162636465666768696a6b6c6d6e6f7071727374"
			"75767761626364656667686901020201",
		.sealed =
			"4688daf2f973a392732909c331d56d60f694abaa414b5e7ff5fdcdfff5e9a284456476492719ffb64de7d9dca1e1d894"
			"bc3bd57873ed4d181d19d4d5c8c18af3",
		.icv = "f821d496eeb096e98ad2b69e4799c71d"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 5", .suite = ESP_AES_GCM_128_16,
		.enc = "3de09874b388e6491988d0c3607eae1f",
		.salt = "57690e43",
		.header = "42f67e3f1010101010101010",
		.iv = "4e280000a2fca1a3",
		.text =
			"4500003c99c300008001cb7c40679318010101010800085c020043006162636465666768696a6b6c6d6e6f7071727374"
			"75767761626364656667686901020201",
		.sealed =
			"fba2caa4853cf9f0f22cb10d86dd83b0fec75691cf1a04b00d1138ec9c35791765acbd8701ad79845bf9fe3fba487bc9"
			"1755e6662b4c8d0d1f5e22739530320a",
		.icv = "e0d731cc978ecafaeae88f00e80d6e48"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 6", .suite = ESP_AES_GCM_128_16,
		.enc = "3de09874b388e6491988d0c3607eae1f",
		.salt = "57690e43",
		.header = "42f67e3f1010101010101010",
		.iv = "4e280000a2fca1a3",
		.text = "4500001c42a200008001441f406793b6e00000020a00f5ff01020201",
		.sealed = "fba2ca845e5df9f0f22c3e6e86dd831e1fc65792cd1af9130e1379ed",
		.icv = "369f071f35e034be95f112e4e7d05d35"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 8", .suite = ESP_AES_GCM_128_16,
		.enc = "abbccddef00112233445566778899aab",
		.salt = "decaf888",
		.header = "000001000000000000000001",
		.iv = "cafedebaceface74",
		.text =
			"4500004933ba00007f119106c3fb1d10c2b1d326c02831ce0035dd7b800302d500004e20001e8c18d75b81dc91baa047"
			"6b91b924b280389d92c963bac046ec959b6266c04722b14923010101",
		.sealed =
			"18a6fd42f72cbf4ab2a2ea901f73d814e3e7f243d95412e1c349c1d2fbec168f9190feebaf2cb01984e65863965d7472"
			"b79da345e0e780191f0d2f0e0f496c226f2127b27db35724e7845d68",
		.icv = "651f57e65f354f75ff17015769623436"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 9", .suite = ESP_AES_GCM_256_16,
		.enc = "abbccddef00112233445566778899aababbccddef00112233445566778899aab",
		.salt = "73616c74",
		.header = "17405e67156f3126dd0db99b",
		.iv = "616e640169766563",
		.text = "45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb71260250101f646d540001",
		.sealed = "f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde98ef67549d524a3018d9a57ff4d3a31ce673119e",
		.icv = "451626c2415771e3b7eebca614c89b35"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 10", .suite = ESP_AES_GCM_128_16,
		.enc = "3de09874b388e6491988d0c3607eae1f",
		.salt = "57690e43",
		.header = "42f67e3f1010101010101010",
		.iv = "4e280000a2fca1a3",
		.text =
			"45000049333e00007f119182c3fb1d10c2b1d326c02831ce0035cb458003025b000001e0001e8c18d65759d52284a035"
			"2c71475c8880391c764d6e5ee0496b325ae270c03899493915010101",
		.sealed =
			"fba2cad12fc1f9f00d3cebf305410db83d7784b607323d220f24b0a97d54182800cadb0f68d99ef0e0c0c89ae9bea888"
			"4e52d65bc1afd0740f742444747b5b39ab533163aad4550ee5160975",
		.icv = "cdb608c5769189609763b8e18caa81e2"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 11", .suite = ESP_AES_GCM_256_16,
		.enc = "abbccddef00112233445566778899aababbccddef00112233445566778899aab",
		.salt = "73616c74",
		.header = "17405e67156f3126dd0db99b",
		.iv = "616e640169766563",
		.text =
			"636973636f0172756c657301746865016e6574776501646566696e6501746865746563686e6f6c6f6769657301746861"
			"7477696c6c01646566696e65746f6d6f72726f7701020201",
		.sealed =
			"d4b7ed86a1777f2ea13d6973d324c69e7b43f826fb56831226508bebd2dceb18d0a6df10e5487df074113e14c641024e"
			"3e6773d91a62ee429b043a10e3efe6b012a49363412364f8",
		.icv = "c0cac587f249e56b11e24f30e44ccc76"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 12", .suite = ESP_AES_GCM_128_16,
		.enc = "7d773d00c144c525ac619d18c84a3f47",
		.salt = "d9664267",
		.header = "335467aeffffffff",
		.iv = "43457e9182443bc6",
		.text = "01020201",
		.sealed = "437f866b",
		.icv = "cb3f699fe9b0822bac961c4504bef270"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 13", .suite = ESP_AES_GCM_128_16,
		.enc = "abbccddef00112233445566778899aab",
		.salt = "decaf888",
		.header = "000001000000000000000001",
		.iv = "cafedebaceface74",
		.text = "746f016265016f72016e6f7401746f0162650001",
		.sealed = "29c9fc69a197d038ccdd14e2ddfcaa0543332164",
		.icv = "412503524303ed3c6c5f283843af8c3e"},
	{.source = "draft-mcgrew-gcm-test-01, ESP, case 14", .suite = ESP_AES_GCM_256_16,
		.enc = "6c6567616c697a656d6172696a75616e61616e64646f69746265666f72656961",
		.salt = "7475726e",
		.header = "796b6963ffffffffffffffff",
		.iv = "333021696765746d",
		.text =
			"45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f7071727374"
			"01020201",
		.sealed =
			"f97ab2aa356d8edce17644ac8c78e25dd24dedbb29ebf1b64a274b39b49c3a864cd3d78ca4ae68a32b42458fb57dbe82"
			"1dcc63b9",
		.icv = "d0937ba2945f669368661a329fb4c053"},
	{.source = "draft-mcgrew-gcm-test-01, ENCR_NULL_AUTH_AES_GMAC (RFC 4543)", .suite = ESP_AES_GMAC_128,
		.enc = "4c80cdefbb5d10da906ac73c3613a634",
		.salt = "22433c64",
		.header = "0000432100000007",
		.iv = "0000000000000000",
		.text =
			"45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f7071727374"
			"01020201",
		.sealed =
			"45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f7071727374"
			"01020201",
		.icv = "f2a9a836e155106aa8dcd618e4099aaa"},
	{.source = "RFC 7634, appendix A", .suite = ESP_CHACHA20_POLY1305,
		.enc = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
		.salt = "a0a1a2a3",
		.header = "0102030400000005",
		.iv = "1011121314151617",
		.text =
			"45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f10111213"
			"1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363701020204",
		.sealed =
			"24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c02f7"
			"2aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f641e0",
		.icv = "76aaa8266b7fb0f7b11b369907e1ad43"},
	{.source = "RFC 2202 section 3, case 1 (RFC 2404)", .suite = ESP_NULL_SHA1_96,
		.auth = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		.header = "4869205468657265",
		.icv = "b617318655057264e28bc0b6"},
	{.source = "RFC 2202 section 3, case 3 (RFC 2404)", .suite = ESP_NULL_SHA1_96,
		.auth = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.header = "dddddddddddddddd",
		.text = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
		.sealed = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
		.icv = "125d7342b9ac11cd91a39af4"},
	{.source = "RFC 4868 section 2.7.2.1, AUTH256-1", .suite = ESP_NULL_SHA256_128,
		.auth = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		.header = "4869205468657265",
		.icv = "198a607eb44bfbc69903a0f1cf2bbdc5"},
	{.source = "RFC 4868 section 2.7.2.1, AUTH256-2", .suite = ESP_NULL_SHA256_128,
		.auth = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
		.header = "7768617420646f20",
		.text = "79612077616e7420666f72206e6f7468696e673f",
		.sealed = "79612077616e7420666f72206e6f7468696e673f",
		.icv = "167f928588c5cc2eef8e3093caa0e87c"},
	{.source = "RFC 4868 section 2.7.2.1, AUTH256-3", .suite = ESP_NULL_SHA256_128,
		.auth = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.header = "dddddddddddddddd",
		.text = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
		.sealed = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
		.icv = "cdcb1220d1ecccea91e53aba3092f962"},
	{.source = "RFC 4868 section 2.7.2.2, AUTH384-1", .suite = ESP_NULL_SHA384_192,
		.auth = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		.header = "4869205468657265",
		.icv = "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee973"},
	{.source = "RFC 4868 section 2.7.2.2, AUTH384-2", .suite = ESP_NULL_SHA384_192,
		.auth = "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
		.header = "7768617420646f20",
		.text = "79612077616e7420666f72206e6f7468696e673f",
		.sealed = "79612077616e7420666f72206e6f7468696e673f",
		.icv = "2c7353974f1842fd66d53c452ca42122b28c0b594cfb184d"},
	{.source = "RFC 4868 section 2.7.2.2, AUTH384-3", .suite = ESP_NULL_SHA384_192,
		.auth = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.header = "dddddddddddddddd",
		.text = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
		.sealed = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
		.icv = "809f439be00274321d4a538652164b53554a508184a0c316"},
	{.source = "RFC 4868 section 2.7.2.3, AUTH512-1", .suite = ESP_NULL_SHA512_256,
		.auth =
			"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
			"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		.header = "4869205468657265",
		.icv = "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8"},
	{.source = "RFC 4868 section 2.7.2.3, AUTH512-2", .suite = ESP_NULL_SHA512_256,
		.auth =
			"4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665"
			"4a6566654a6566654a6566654a656665",
		.header = "7768617420646f20",
		.text = "79612077616e7420666f72206e6f7468696e673f",
		.sealed = "79612077616e7420666f72206e6f7468696e673f",
		.icv = "cb370917ae8a7ce28cfd1d8f4705d6141c173b2a9362c15df235dfb251b15454"},
	{.source = "RFC 4868 section 2.7.2.3, AUTH512-3", .suite = ESP_NULL_SHA512_256,
		.auth =
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.header = "dddddddddddddddd",
		.text = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
		.sealed = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
		.icv = "2ee7acd783624ca9398710f3ee05ae41b9f9b0510c87e49e586cc9bf961733d8"},
	CBC_128(ESP_AES_CBC_128_SHA1_96)
	CBC_128(ESP_AES_CBC_128_SHA256_128)
	CBC_128(ESP_AES_CBC_128_SHA384_192)
	CBC_128(ESP_AES_CBC_128_SHA512_256)
	CBC_256(ESP_AES_CBC_256_SHA1_96)
	CBC_256(ESP_AES_CBC_256_SHA256_128)
	CBC_256(ESP_AES_CBC_256_SHA384_192)
	CBC_256(ESP_AES_CBC_256_SHA512_256)
};
// clang-format on
const unsigned n_vectors = sizeof(vectors) / sizeof(vectors[0]);
