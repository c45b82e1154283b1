-- A database of schema 52: made by commit a5d0e76~1, upgraded and used further by c8fa441.
BEGIN TRANSACTION;
CREATE TABLE achievement (achievement_id INTEGER PRIMARY KEY, record_id INTEGER NOT NULL, campaign_id INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, channel TEXT NOT NULL, request_id TEXT NOT NULL, accepted_at INTEGER NOT NULL, due_at INTEGER NOT NULL, decided_at INTEGER, epoch INTEGER NOT NULL, trace TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "achievement" VALUES(180214143387420691,180214143387420677,11664,'granted','','web','req',1790000000000,1790000055222,1790003600000,1,'');
INSERT INTO "achievement" VALUES(180395337318883353,180395337318883329,11664,'granted','','web','req',1790086400000,1790086455222,1790090000000,1,'0af7651916cd43dd8448eb211c80319c');
INSERT INTO "achievement" VALUES(180395337318883355,180395337318883336,11666,'granted','','web','req',1790086400000,1790086569213,1790090000000,1,'');
INSERT INTO "achievement" VALUES(180402887066083332,180395337318883332,11665,'accepted','','pos','req',1790090000000,1790090036543,NULL,0,'');
INSERT INTO "achievement" VALUES(180410436813283355,180395337318883340,11664,'accepted','','web','req',1790093600000,1790093686864,NULL,0,'');
CREATE TABLE anchored (place TEXT PRIMARY KEY, checkpoint_id INTEGER NOT NULL, signature TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "anchored" VALUES('webhook:crm',10,'183b1b691bf0f16053fd995ade858333180342d8fd34b7945aa00df935f7cfd0');
CREATE TABLE answer_of (achievement_id INTEGER PRIMARY KEY, channel TEXT NOT NULL, route TEXT NOT NULL, key TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;
INSERT INTO "answer_of" VALUES(180395337318883353,'web','/achievements','k1',1790345600000);
CREATE TABLE attribute (record_id INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL, source TEXT NOT NULL DEFAULT 'backend', PRIMARY KEY (record_id, name)) STRICT, WITHOUT ROWID;
INSERT INTO "attribute" VALUES(180214143387420677,'displayName','"ann"',1790000000000,'backend');
INSERT INTO "attribute" VALUES(180214143387420680,'displayName','"ann"',1790000000000,'backend');
INSERT INTO "attribute" VALUES(180214143387420684,'displayName','"bob"',1790000000000,'backend');
INSERT INTO "attribute" VALUES(180214143387420688,'displayName','"cid"',1790000000000,'backend');
INSERT INTO "attribute" VALUES(180395337318883329,'displayName','"dan"',1790086400000,'backend');
INSERT INTO "attribute" VALUES(180395337318883332,'displayName','"dan"',1790086400000,'backend');
INSERT INTO "attribute" VALUES(180395337318883336,'displayName','"eve"',1790086400000,'backend');
INSERT INTO "attribute" VALUES(180395337318883340,'displayName','"fay"',1790086400000,'backend');
INSERT INTO "attribute" VALUES(180395337318883344,'city','"Giza"',1790090000000,'backend');
INSERT INTO "attribute" VALUES(180395337318883344,'displayName','"gus"',1790086400000,'backend');
CREATE TABLE audit (event_id INTEGER PRIMARY KEY, chain TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, action TEXT NOT NULL, outcome TEXT NOT NULL, channel TEXT NOT NULL, actor TEXT NOT NULL, profile TEXT NOT NULL, object TEXT NOT NULL, request_id TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL, bound TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "audit" VALUES(180214143387420672,'aeb5c81f9df8491d89879ab8b3a46289',1,1790000000000,'rules.stored','ok','','operator','','preset-email-or-mobile-1','req','','{"sha256":"e0cbd1301e8b74f951bbf0de58a2a21799b29b1243c9a11c8c2acf50bdb978bd","source":"backend"}',X'B92CBE7782A4DB2FB9A7CCF30B65A903E51B6C894E22AB84616B50B98F4E0449','{"log":"d69b435d0d345d788e12e715b3907640","rows":{"rule_set":{"preset-email-or-mobile-1":"29dfc6780f7aa74e"},"rule_activation":{"180214143387420673":"2cc8ad66a97d4e0e"}}}');
INSERT INTO "audit" VALUES(180214143387420674,'aeb5c81f9df8491d89879ab8b3a46289',2,1790000000000,'rules.activated','ok','','operator','','preset-email-or-mobile-1','req','','{"source":"backend"}',X'83BE1C6C0D5C5220E2ABF2B015E7BC3B44D2DEB75BFF0D9CF7D425D4F2AFE894','');
INSERT INTO "audit" VALUES(180214143387420675,'aeb5c81f9df8491d89879ab8b3a46289',3,1790000000000,'key.created','ok','web','operator:ann','','key_1','req-op','','{"source":"backend"}',X'4BF8226EC95963A165B7760F0AF44B1F2098BC8D458BFBBB8E8A23E8F01D367C','{"rows":{"channel_key":{"key_1":"8be6c1f768cdbbe9"}}}');
INSERT INTO "audit" VALUES(180214143387420678,'aeb5c81f9df8491d89879ab8b3a46289',4,1790000000000,'identity.created','created','web','channel:web','prf_02803fcf001bc804','rec_02803fcf001bc805','req','new','{"absorbed":[],"decision":"created","evidence":[{"hmac":"f0b75f139506afc8d2b0c77e60002c69","mask":"a***@e***.com","reason":"","status":"ok","type":"email"}],"id_space":"web","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[]}',X'5F19B97ECC4028D81EAC1D28C55D88B19749A967DC9F56C72D4B7E654D7FC854','{"rows":{"record":{"180214143387420677":"b9e39df5a7ef6565"}}}');
INSERT INTO "audit" VALUES(180214143387420679,'aeb5c81f9df8491d89879ab8b3a46289',5,1790000000000,'customer.updated','ok','web','channel:web','prf_02803fcf001bc804','rec_02803fcf001bc805','req','','{"source":"backend","words":"a4b669529861f558696137850d95f47d"}',X'4A514BA74E04720FFC2060391063DC09EB4AEC179F791B3C338F7FB526D12683','');
INSERT INTO "audit" VALUES(180214143387420681,'aeb5c81f9df8491d89879ab8b3a46289',6,1790000000000,'identity.attached','attached','pos','channel:pos','prf_02803fcf001bc804','rec_02803fcf001bc808','req','rule:email','{"absorbed":[],"decision":"attached","evidence":[{"hmac":"f0b75f139506afc8d2b0c77e60002c69","mask":"a***@e***.com","reason":"","status":"ok","type":"email"}],"id_space":"pos","rule":"email","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[["rule:email","prf_02803fcf001bc804","merge","email"]]}',X'DFC5C6819691F9F725E784282C355CFF4327803AE88E921059502F38BE640D59','{"rows":{"record":{"180214143387420680":"25fe21698eca686a"}}}');
INSERT INTO "audit" VALUES(180214143387420682,'aeb5c81f9df8491d89879ab8b3a46289',7,1790000000000,'customer.updated','ok','pos','channel:pos','prf_02803fcf001bc804','rec_02803fcf001bc808','req','','{"source":"backend","words":"ab7dd4a85c0a3ed0c7d4142c3e95e664"}',X'A2A53A6FF443305E4FE88129A12170283801AA787DA89E305BAB56D8B88FCE3C','');
INSERT INTO "audit" VALUES(180214143387420685,'aeb5c81f9df8491d89879ab8b3a46289',8,1790000000000,'identity.created','created','web','channel:web','prf_02803fcf001bc80b','rec_02803fcf001bc80c','req','new','{"absorbed":[],"decision":"created","evidence":[{"hmac":"a5fda5378da5ebef31afc4b253b20da4","mask":"b***@e***.com","reason":"","status":"ok","type":"email"}],"id_space":"web","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[]}',X'3CA7633FEF7E025EE12A778C018ED9B01C14BB0BEECB6FA9A0CEF786300A469A','{"rows":{"record":{"180214143387420684":"71fc9dc7d30cd74a"}}}');
INSERT INTO "audit" VALUES(180214143387420686,'aeb5c81f9df8491d89879ab8b3a46289',9,1790000000000,'customer.updated','ok','web','channel:web','prf_02803fcf001bc80b','rec_02803fcf001bc80c','req','','{"source":"backend","words":"75e3fb74d58ab45e959ee7a7aecd2fa1"}',X'10BA121D63E66D51EB752081F3147AEF5291D50A081C591BCD9A5196E3BEFFA4','');
INSERT INTO "audit" VALUES(180214143387420689,'aeb5c81f9df8491d89879ab8b3a46289',10,1790000000000,'identity.created','created','web','channel:web','prf_02803fcf001bc80f','rec_02803fcf001bc810','req','new','{"absorbed":[],"decision":"created","evidence":[{"hmac":"1f23e4616873339513f6b4c3e0b091a9","mask":"c***@e***.com","reason":"","status":"ok","type":"email"}],"id_space":"web","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[]}',X'ACE5FA1D6D6ED812B38FD919700F701AFEEFDA4C1B1D5A67D82236DF2B391735','{"rows":{"record":{"180214143387420688":"5806daa0cf7da239"}}}');
INSERT INTO "audit" VALUES(180214143387420690,'aeb5c81f9df8491d89879ab8b3a46289',11,1790000000000,'customer.updated','ok','web','channel:web','prf_02803fcf001bc80f','rec_02803fcf001bc810','req','','{"source":"backend","words":"9cc4d70dffe7f983f8124005c5d1ede0"}',X'FAFF88EABFC8EBA6411444A0736DC3F1ACA08DEACDA0C32CBECBD01188F7D7C4','');
INSERT INTO "audit" VALUES(180214143387420692,'aeb5c81f9df8491d89879ab8b3a46289',12,1790000000000,'achievement.accepted','ok','web','channel:web','prf_02803fcf001bc804','ach_02803fcf001bc813','req','','{"campaign":11664,"source":"backend"}',X'DB5082C36780935B454359184FEE0DC21977B2B7FEAA75D5689B72A1B3813459','');
INSERT INTO "audit" VALUES(180221693134620673,'aeb5c81f9df8491d89879ab8b3a46289',13,1790003600000,'achievement.granted','granted','web','gateway','prf_02803fcf001bc804','ach_02803fcf001bc813','req','','{"campaign":11664,"coupon":false,"points":100,"score":10}',X'1EC1CFE38E9CA37FDEF4CD5A3C601727F73F90BA577A9E0B2E43F6A4B58ADC61','{"rows":{"ledger":{"180214143387420677 11664 180214143387420691":"e4e297d0c3d323ca"}}}');
INSERT INTO "audit" VALUES(180221693134620675,'aeb5c81f9df8491d89879ab8b3a46289',14,1790003600000,'identity.merged','merged','','operator:ann','prf_02803fcf001bc80b','mrg_028046acd01bc802','req-op','operator','{"absorbed":["prf_02803fcf001bc80f"],"source":"backend","words":"6275b155b81bed7b02c84cad18d05fa2"}',X'B2A28F81A127F1D1E355F2BE6057CF5B073C6167A0A7B46C01B8C86E504008B5','{"rows":{"record":{"180214143387420688":"7db4d5fac9a8ee76"},"pin":{"180214143387420684 180214143387420688":"192e77fa903dfce3"}}}');
INSERT INTO "audit" VALUES(180221693134620676,'aeb5c81f9df8491d89879ab8b3a46289',15,1790003600000,'pin.set','must','','operator:ann','prf_02803fcf001bc80b','rec_02803fcf001bc80c','req-op','must','{"records":["rec_02803fcf001bc80c","rec_02803fcf001bc810"],"source":"backend","words":"708ba7d22311c8510dd51c9aed470378"}',X'CFB9A0EAE54DD8DE256039ABE0680B72692E311B7696FD504198FB8526239D8E','');
INSERT INTO "audit" VALUES(180395337318883330,'6990bb5ee3584b52bb0fc6f613207335',1,1790086400000,'identity.created','created','web','channel:web','prf_0280e49a80076000','rec_0280e49a80076001','req','new','{"absorbed":[],"decision":"created","evidence":[{"hmac":"8c41e8546eb177842465edd94f9b8d08","mask":"d***@e***.com","reason":"","status":"ok","type":"email"}],"id_space":"web","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[]}',X'4ED0F69CDAB236D30C2EA15B376B73D99FAFF983C106277DAEDA0F44063AC53A','{"log":"54e285ac93aae39eecd189387a307a9b","covers":41,"rows":{"record":{"180395337318883329":"d817e25109b8af51"},"profile":{"180395337318883328":"180395337318883329.2a81d6d451bc18b4"}}}');
INSERT INTO "audit" VALUES(180395337318883331,'6990bb5ee3584b52bb0fc6f613207335',2,1790086400000,'customer.updated','ok','web','channel:web','prf_0280e49a80076000','rec_0280e49a80076001','req','','{"source":"backend","words":"439864929a5df2b8228931f643150a17"}',X'E0386B52755B0191EAE65CE8CD14093E60AFDD05874D15EB8727F3D6CE872D61','');
INSERT INTO "audit" VALUES(180395337318883333,'6990bb5ee3584b52bb0fc6f613207335',3,1790086400000,'identity.attached','attached','pos','channel:pos','prf_0280e49a80076000','rec_0280e49a80076004','req','rule:email','{"absorbed":[],"decision":"attached","evidence":[{"hmac":"8c41e8546eb177842465edd94f9b8d08","mask":"d***@e***.com","reason":"","status":"ok","type":"email"}],"id_space":"pos","rule":"email","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[["rule:email","prf_0280e49a80076000","merge","email"]]}',X'A5F70BC7E1B46F8B31258A3B3802578B69FD39083D581B8AFA8E6C6C9F9CF180','{"rows":{"record":{"180395337318883332":"5af9f1cc782e513f"}}}');
INSERT INTO "audit" VALUES(180395337318883334,'6990bb5ee3584b52bb0fc6f613207335',4,1790086400000,'customer.updated','ok','pos','channel:pos','prf_0280e49a80076000','rec_0280e49a80076004','req','','{"source":"backend","words":"f1825bca92987b2d7cff6d44b03c7b5c"}',X'80AFE9080B8F824BD5A2953874ECCF2BF7AD574A143DFC850D995BBDDC866866','');
INSERT INTO "audit" VALUES(180395337318883337,'6990bb5ee3584b52bb0fc6f613207335',5,1790086400000,'identity.created','created','web','channel:web','prf_0280e49a80076007','rec_0280e49a80076008','req','new','{"absorbed":[],"decision":"created","evidence":[{"hmac":"b25277e5ee7d8cdcff0cd71555cd5b55","mask":"e***@e***.com","reason":"","status":"ok","type":"email"}],"id_space":"web","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[]}',X'6551B80A76998ADBA1CD5E8478389C88BBCA8508E4F7C2662537465D6C4C5174','{"rows":{"record":{"180395337318883336":"1fcc49cc27b55d1b"},"profile":{"180395337318883335":"180395337318883336.a2a8b35a67e02b4e"}}}');
INSERT INTO "audit" VALUES(180395337318883338,'6990bb5ee3584b52bb0fc6f613207335',6,1790086400000,'customer.updated','ok','web','channel:web','prf_0280e49a80076007','rec_0280e49a80076008','req','','{"source":"backend","words":"d3cf047d631dff381dfe573871da9af0"}',X'87EBC0F07FF40CCDE44B3DDD22E767E2EA8259C6F164C4F559BA8419BAF051A0','');
INSERT INTO "audit" VALUES(180395337318883341,'6990bb5ee3584b52bb0fc6f613207335',7,1790086400000,'identity.created','created','web','channel:web','prf_0280e49a8007600b','rec_0280e49a8007600c','req','new','{"absorbed":[],"decision":"created","evidence":[{"hmac":"7f2cb0992e41c8fd15fcfca04794c961","mask":"f***@e***.com","reason":"","status":"ok","type":"email"}],"id_space":"web","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[]}',X'D9E5EE3C2CCF945D6FACD6ECAF59C06064A56C5FC8C19F22F96DECBE71F97E6B','{"rows":{"record":{"180395337318883340":"b2af05664a62c005"},"profile":{"180395337318883339":"180395337318883340.29c049087434dbfd"}}}');
INSERT INTO "audit" VALUES(180395337318883342,'6990bb5ee3584b52bb0fc6f613207335',8,1790086400000,'customer.updated','ok','web','channel:web','prf_0280e49a8007600b','rec_0280e49a8007600c','req','','{"source":"backend","words":"ca78adff298b04899c302b0df1f160d2"}',X'604504A64C8B759D62AEDDE89112F8200305B8174EAA59E8EA363D1EB85B00FD','');
INSERT INTO "audit" VALUES(180395337318883345,'6990bb5ee3584b52bb0fc6f613207335',9,1790086400000,'identity.created','created','pos','channel:pos','prf_0280e49a8007600f','rec_0280e49a80076010','req','new','{"absorbed":[],"decision":"created","evidence":[{"hmac":"2c429e5af13b076e23053ba7f1d2f553","mask":"g***@e***.com","reason":"","status":"ok","type":"email"}],"id_space":"pos","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[]}',X'0B4C84283C2DF6CAFF7766DB98657B3127D906A833FF9DF347533E4DA4C7F24D','{"rows":{"record":{"180395337318883344":"bf47fa244ecab7a8"},"profile":{"180395337318883343":"180395337318883344.edcfbdb4a62ed1cc"}}}');
INSERT INTO "audit" VALUES(180395337318883346,'6990bb5ee3584b52bb0fc6f613207335',10,1790086400000,'customer.updated','ok','pos','channel:pos','prf_0280e49a8007600f','rec_0280e49a80076010','req','','{"source":"backend","words":"13ab6da46b6bd56bc85393a8a43d3ea9"}',X'5E6C26C753D99E34DC37BFB00F0F1741B35F42317F2C93865E68D273279DFD3A','');
INSERT INTO "audit" VALUES(180395337318883349,'6990bb5ee3584b52bb0fc6f613207335',11,1790086400000,'identity.created','created','web','channel:web','prf_0280e49a80076013','rec_0280e49a80076014','req','new','{"absorbed":[],"decision":"created","evidence":[{"hmac":"aa94188f26734517521251d39002f5db","mask":"h***@e***.com","reason":"","status":"ok","type":"email"}],"id_space":"web","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[]}',X'92F4854CF8B8A15F5F8035E776561F03A53A62A3A12B7DF12D306A468F4925EC','{"rows":{"record":{"180395337318883348":"6ce014b0a4dd4385"},"profile":{"180395337318883347":"180395337318883348.5afb3539d38384f1"}}}');
INSERT INTO "audit" VALUES(180395337318883350,'6990bb5ee3584b52bb0fc6f613207335',12,1790086400000,'customer.updated','ok','web','channel:web','prf_0280e49a80076013','rec_0280e49a80076014','req','','{"source":"backend","words":"3a893fb0a64134470a17854dda84727d"}',X'C59FBAE880EA31CBF58B5B7B9CAE9BDA87A487FC4E92267271ADE4E974FD9161','');
INSERT INTO "audit" VALUES(180395337318883351,'6990bb5ee3584b52bb0fc6f613207335',13,1790086400000,'customer.tagged','ok','web','channel:web','prf_0280e49a80076000','rec_0280e49a80076001','req','','{"source":"backend","words":"82614d2d75ea209c0fe74d24be8f5709"}',X'DD0112FE7285416DEEBCEA9B1E8FAD129D4BE496F1F4C226ABD71C5E1E9D6BD4','');
INSERT INTO "audit" VALUES(180395337318883352,'6990bb5ee3584b52bb0fc6f613207335',14,1790086400000,'identity.claimed','ok','web','channel:web','prf_0280e49a80076000','rec_0280e49a80076001','req','','{"claims":[{"hmac":"62a2048eafa97eb6a6b1f952ffd2edb4","mask":"***09","type":"mobile"}],"source":"public","words":"ac0c87c21696c4960f40e2893078392f"}',X'E8E287FE5F67E3B6D42B54591D8A3FC50C66B08D30154881779E57F953FC83EC','');
INSERT INTO "audit" VALUES(180395337318883354,'6990bb5ee3584b52bb0fc6f613207335',15,1790086400000,'achievement.accepted','ok','web','channel:web','prf_0280e49a80076000','ach_0280e49a80076019','req','','{"campaign":11664,"source":"backend"}',X'53A08DC636F33AFA7229E45B96DEEA4A164EAF5E825C715571BDB80A572E0F91','');
INSERT INTO "audit" VALUES(180395337318883356,'6990bb5ee3584b52bb0fc6f613207335',16,1790086400000,'achievement.accepted','ok','web','channel:web','prf_0280e49a80076007','ach_0280e49a8007601b','req','','{"campaign":11666,"source":"backend"}',X'DCFFC4CD8A0D9630101F5AC91B6388F46FE8F2F7EF9B611CDD16A7E8C7A4E810','');
INSERT INTO "audit" VALUES(180402887066083329,'6990bb5ee3584b52bb0fc6f613207335',17,1790090000000,'achievement.granted','granted','web','gateway','prf_0280e49a80076000','ach_0280e49a80076019','req','','{"campaign":11664,"coupon":false,"points":100,"score":10}',X'3E7BD16E7C644D21CA6C7670540595B8D61AB252B571152430FA727E3425CEFB','{"rows":{"ledger":{"180395337318883329 11664 180395337318883353":"838344e6a6181104","180395337318883336 11666 180395337318883355":"fa2b0b28eef5f395"},"campaign_spend":{"11666":"954923769e016790"}}}');
INSERT INTO "audit" VALUES(180402887066083331,'6990bb5ee3584b52bb0fc6f613207335',18,1790090000000,'achievement.granted','granted','web','gateway','prf_0280e49a80076007','ach_0280e49a8007601b','req','','{"campaign":11666,"coupon":false,"points":10,"score":1}',X'2ED1C75FE40B9D23B7F60539CC5FFD999241A3F8E2D5D1E87DD3515622666ED9','');
INSERT INTO "audit" VALUES(180402887066083333,'6990bb5ee3584b52bb0fc6f613207335',19,1790090000000,'achievement.accepted','ok','pos','channel:pos','prf_0280e49a80076000','ach_0280eb7850076004','req','','{"campaign":11665,"source":"backend"}',X'61B5099A3F9A479E6F524184C86A7BDDE3865E3874CCB4007E389B5FF92BFA30','');
INSERT INTO "audit" VALUES(180402887066083334,'6990bb5ee3584b52bb0fc6f613207335',20,1790090000000,'pin.set','cannot','','operator:ann','prf_0280e49a80076007','rec_0280e49a80076008','req-op','cannot','{"records":["rec_0280e49a80076008","rec_0280e49a8007600c"],"source":"backend","words":"5e6dbf856731633f1dcd71ac788cd8ff"}',X'1BCB5EDA2E4D77ACDDA480CDCD73945B4606CD21535CA260958C6DC6DD4E8A4F','{"rows":{"pin":{"180395337318883336 180395337318883340":"3865762641658cee"}}}');
INSERT INTO "audit" VALUES(180402887066083336,'6990bb5ee3584b52bb0fc6f613207335',21,1790090000000,'identity.merged','merged','','operator:ann','prf_0280e49a80076000','mrg_0280eb7850076007','req-op','operator','{"absorbed":["prf_0280e49a80076007"],"source":"backend","words":"3b5e0418359278705ddc26aa55fa00fd"}',X'247607A2FA02201625796DCE1E6CAD57B1F04CBA72D0A5DCF4F2738AA1E2524C','{"rows":{"record":{"180395337318883336":"45d816439a2f23e7"},"merge":{"180402887066083335":"dd30e2331e438702"},"pin":{"180395337318883329 180395337318883336":"a04f76aebb75dd11"},"profile":{"180395337318883335":"180395337318883336.a2a8b35a67e02b4e"}}}');
INSERT INTO "audit" VALUES(180402887066083337,'6990bb5ee3584b52bb0fc6f613207335',22,1790090000000,'pin.set','must','','operator:ann','prf_0280e49a80076000','rec_0280e49a80076001','req-op','must','{"records":["rec_0280e49a80076001","rec_0280e49a80076008"],"source":"backend","words":"7be72d4f34abf548c7354511e0601349"}',X'43EEF8B5D09DD082822479501DBED687BC35080EBFBB19047AF5818386C4F0A5','');
INSERT INTO "audit" VALUES(180402887066083340,'6990bb5ee3584b52bb0fc6f613207335',23,1790090000000,'identity.merged','merged','','operator:ann','prf_0280e49a8007600b','mrg_0280eb785007600b','req-op','operator','{"absorbed":["prf_0280e49a8007600f"],"source":"backend","words":"9983d375eeaa5c00c9c3b184d80687ac"}',X'BF1E8E007F6864EEA6E20D206F3F0143F21E5A280CCDD6E3BDA3948A46BD87CE','{"rows":{"record":{"180395337318883344":"718dc488bb6117b4"},"merge":{"180402887066083339":"9a632e69699bc8b8"},"pin":{"180395337318883340 180395337318883344":"231a8620bdda8ff5"},"profile":{"180395337318883343":"180395337318883344.edcfbdb4a62ed1cc"}}}');
INSERT INTO "audit" VALUES(180402887066083341,'6990bb5ee3584b52bb0fc6f613207335',24,1790090000000,'pin.set','must','','operator:ann','prf_0280e49a8007600b','rec_0280e49a8007600c','req-op','must','{"records":["rec_0280e49a8007600c","rec_0280e49a80076010"],"source":"backend","words":"13e2455ad21ad55c87091d1b7b0d3cd6"}',X'EA06F7784326C78E3329E98CEC6A207B3D9FD4B8352ADBF715FAE5F3AB4AFFCF','');
INSERT INTO "audit" VALUES(180402887066083343,'6990bb5ee3584b52bb0fc6f613207335',25,1790090000000,'identity.split','split','','operator:ann','prf_0280e49a8007600b','mrg_0280eb785007600b','req-op','undo','{"named_after":{"prf_0280e49a8007600b":"rec_0280e49a8007600c","prf_0280e49a8007600f":"rec_0280e49a80076010"},"parts":{"prf_0280e49a8007600f":["rec_0280e49a80076010"]},"pinned":true,"redirects":{},"source":"backend","words":"5524c98434e6c5f79e80440b168d82da"}',X'E4AC4B486EA75738A0452CE0EF9D16536606195DE16677312FB192DDB86CE7D4','{"rows":{"record":{"180395337318883344":"bf47fa244ecab7a8"},"merge_undone":{"180402887066083339":"cf5aca4e7b3952e2"},"pin":{"180395337318883340 180395337318883344":"42e533abb5ec100c"},"profile":{"180395337318883339":"180395337318883340.29c049087434dbfd","180395337318883343":"180395337318883344.edcfbdb4a62ed1cc"}}}');
INSERT INTO "audit" VALUES(180402887066083346,'6990bb5ee3584b52bb0fc6f613207335',26,1790090000000,'identity.created','created','till','channel:till','prf_0280eb7850076010','rec_0280eb7850076011','req','new','{"absorbed":[],"decision":"created","evidence":[{"hmac":"99f2aec0bca466483ec689fbaa01b1f9","mask":"p***@e***.com","reason":"","status":"ok","type":"email"},{"hmac":"4c5883de42b51691d28f66fddadbec75","mask":"***00","reason":"","status":"ok","type":"mobile"}],"id_space":"till","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[]}',X'2B058C23D77198F05973A2CE2CCA81BDCD71764D83EF9DBC610C8E7F4BFCB426','{"rows":{"record":{"180402887066083345":"e1342fcebc804511"},"profile":{"180402887066083344":"180402887066083345.96e311475ea0bc31"}}}');
INSERT INTO "audit" VALUES(180402887066083348,'6990bb5ee3584b52bb0fc6f613207335',27,1790090000000,'identity.attached','attached','till','channel:till','prf_0280eb7850076010','rec_0280eb7850076013','req','rule:mobile','{"absorbed":[],"decision":"attached","evidence":[{"hmac":"3bc0ca5d4761f046e6e25eb6cf11f5e1","mask":"p***@e***.com","reason":"","status":"ok","type":"email"},{"hmac":"4c5883de42b51691d28f66fddadbec75","mask":"***00","reason":"","status":"ok","type":"mobile"}],"id_space":"till","rule":"mobile","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[["rule:mobile","prf_0280eb7850076010","merge","mobile"]]}',X'425DB65CB51DE66727A0D8A289FFFC2BAC67C4F9C67ED2804086188246DB0F24','{"rows":{"record":{"180402887066083347":"c0a6e1bda5720256"}}}');
INSERT INTO "audit" VALUES(180402887066083350,'6990bb5ee3584b52bb0fc6f613207335',28,1790090000000,'identity.attached','attached','till','channel:till','prf_0280eb7850076010','rec_0280eb7850076015','req','rule:mobile','{"absorbed":[],"decision":"attached","evidence":[{"hmac":"bde76ccc9b96af3d2eb9e08574c69b4d","mask":"p***@e***.com","reason":"","status":"ok","type":"email"},{"hmac":"4c5883de42b51691d28f66fddadbec75","mask":"***00","reason":"","status":"ok","type":"mobile"}],"id_space":"till","rule":"mobile","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[["rule:mobile","prf_0280eb7850076010","merge","mobile"]]}',X'BAC4693FB2A2D722664A95BCFF6DB6D680A62C953F2D8F0EB7153FA91A823BBE','{"rows":{"record":{"180402887066083349":"0b0a4a2b184aeb0e"}}}');
INSERT INTO "audit" VALUES(180402887066083354,'6990bb5ee3584b52bb0fc6f613207335',29,1790090000000,'identity.review','review','till','channel:till','prf_0280eb7850076017','rec_0280eb7850076018','req','conflict:ids_per_profile:till','{"absorbed":[],"decision":"review","evidence":[{"hmac":"b320605fc5a43db3f4d62f2ff45a2683","mask":"p***@e***.com","reason":"","status":"ok","type":"email"},{"hmac":"4c5883de42b51691d28f66fddadbec75","mask":"***00","reason":"","status":"ok","type":"mobile"}],"id_space":"till","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[["rule:mobile","prf_0280eb7850076010","merge","mobile"],["guard:ids_per_profile:till","","review","4>3"],["policy:review","","stopped","ids_per_profile:till"]]}',X'062B69C435FDDB9B52BCE392C0DB6D76D505D463145F2826CA202C94F0ABFFE6','{"rows":{"record":{"180402887066083352":"89df22afda590057"},"review":{"180402887066083353":"open 180402887066083344 180402887066083351.330f840ec8786ee0"},"profile":{"180402887066083351":"180402887066083352.29ce88177dfb56fb"}}}');
INSERT INTO "audit" VALUES(180402887066083359,'6990bb5ee3584b52bb0fc6f613207335',30,1790090000000,'identity.review','review','till','channel:till','prf_0280eb785007601c','rec_0280eb785007601d','req','conflict:ids_per_profile:till','{"absorbed":[],"decision":"review","evidence":[{"hmac":"5ba20e5af9d93b3f5b1d0725d60199bb","mask":"p***@e***.com","reason":"","status":"ok","type":"email"},{"hmac":"4c5883de42b51691d28f66fddadbec75","mask":"***00","reason":"","status":"ok","type":"mobile"}],"id_space":"till","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[["rule:mobile","prf_0280eb7850076010","merge","mobile"],["guard:ids_per_profile:till","","review","4>3"],["policy:review","","stopped","ids_per_profile:till"]]}',X'EB43EFB8F57C12E29731B8AA6A20F2C9D3097F776CA00AC473C1783B9D4AD85A','{"rows":{"record":{"180402887066083357":"1d8d54badef8dab1"},"review":{"180402887066083358":"open 180402887066083344 180402887066083356.7ce0f056965d4edc"},"profile":{"180402887066083356":"180402887066083357.45996cc0d9ca3128"}}}');
INSERT INTO "audit" VALUES(180402887066083363,'6990bb5ee3584b52bb0fc6f613207335',31,1790090000000,'identifier.generic','ok','till','channel:till','prf_0280eb7850076021','','req','fanout_limit','{"hmac":"4c5883de42b51691d28f66fddadbec75","mask":"***00","source":"backend","type":"mobile"}',X'0A1C6A1F39E40B941DB21BEC716A4ADCC8DCD37E15634BBF173FBB3C13DB578F','{"rows":{"record":{"180402887066083362":"94383c253f8dc908"},"profile":{"180402887066083361":"180402887066083362.e4c5be28789586b6"}}}');
INSERT INTO "audit" VALUES(180402887066083365,'6990bb5ee3584b52bb0fc6f613207335',32,1790090000000,'identity.created','created','till','channel:till','prf_0280eb7850076021','rec_0280eb7850076022','req','new','{"absorbed":[],"decision":"created","evidence":[{"hmac":"400ffc7b79931f85dbaedefb586668c8","mask":"p***@e***.com","reason":"","status":"ok","type":"email"},{"hmac":"4c5883de42b51691d28f66fddadbec75","mask":"***00","reason":"","status":"ok","type":"mobile"}],"id_space":"till","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[["key:mobile","","generic",""]]}',X'10E086CF42472CF2508BFC08BA177A68C7163E107D5A4B5C3499CBEFC1879956','');
INSERT INTO "audit" VALUES(180402887066083366,'6990bb5ee3584b52bb0fc6f613207335',33,1790090000000,'list.changed','added','','operator:ann','','shops','req-op','','{"source":"backend","values":1}',X'2350DEED4EF6E49FEF8C030AD05B2FE5F0A19D53C637BC7C2032360CC92B345B','');
INSERT INTO "audit" VALUES(180402887066083367,'6990bb5ee3584b52bb0fc6f613207335',34,1790090000000,'rules.planned','ok','','operator:ann','','v9','req-op','','{"sha256":"0000000000000000000000000000000000000000000000000000000000000000","source":"backend"}',X'3C9E64CC5AB2D87F7479071C3587D4026C386707835833D15D7D18443C0DDE10','');
INSERT INTO "audit" VALUES(180402887066083370,'6990bb5ee3584b52bb0fc6f613207335',35,1790090000000,'identity.created','created','pos','channel:pos','prf_0280eb7850076028','rec_0280eb7850076029','req','new','{"absorbed":[],"decision":"created","evidence":[{"hmac":"3f546008dfb6780413ea2bb6c860405b","mask":"i***@e***.com","reason":"","status":"ok","type":"email"}],"id_space":"pos","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[]}',X'8AE10FB3575A6FA32D24835E632E3B123DB59E87B1FCDAB384543513764EF913','{"rows":{"record":{"180402887066083369":"1b0895747b196297"},"profile":{"180402887066083368":"180402887066083369.e4b5078107a34e87"}}}');
INSERT INTO "audit" VALUES(180402887066083372,'6990bb5ee3584b52bb0fc6f613207335',36,1790090000000,'customer.updated','ok','pos','channel:pos','prf_0280e49a8007600f','rec_0280e49a80076010','req','','{"source":"backend","words":"1539aa8a28416b8ec82299cb828025d3"}',X'BB9541AF0A33888FB3856796D50068B991146DEC52A47B75E95F52922D82810B','');
INSERT INTO "audit" VALUES(180402887066083374,'6990bb5ee3584b52bb0fc6f613207335',37,1790090000000,'import.rows','ok','pos','channel:pos','','imp_imp_01JZ','req','','{"ahead":[0,1],"counts":{"attached":1,"created":1,"rejected":1},"lines":[1,4],"source":"backend","unusable":{}}',X'CF339F91CB6D0D16DAC742BDA6F292259BA8BBD7BCA6DEA6B98EDA55CE88B31F','');
INSERT INTO "audit" VALUES(180402887066083376,'6990bb5ee3584b52bb0fc6f613207335',38,1790090000000,'webhook.received','ok','','channel:web','prf_0280e49a80076013','','req','','{"listeners":[],"source":"backend","topic":"customer.updated"}',X'04C6E1862DC9F5A3906FC34C2CF225D3DC456EC6534FD3D64DA76DC8DBAE3A7F','');
INSERT INTO "audit" VALUES(180402887066083378,'6990bb5ee3584b52bb0fc6f613207335',39,1790090000000,'customer.erased','ok','web','channel:web','prf_0280e49a80076013','','req','','{"records":1,"source":"backend"}',X'6D9ACBBBAA6447B74225D5F78F642DCF69670226B2DE67020EF6F221595D05E8','{"rows":{"record":{"180395337318883348":""},"profile":{"180395337318883347":""}}}');
INSERT INTO "audit" VALUES(180402887066083380,'6990bb5ee3584b52bb0fc6f613207335',40,1790090000000,'identity.review','review','','gateway','prf_0280eb7850076010','rev_0280eb7850076033','','resplit:generic','{"cause":"generic","records":["rec_0280eb7850076013"]}',X'ABC9F961350E2FE469CA64E4FE1F85E1A4CFE9148B26DC5AB5D1CAFD2EFD32D3','{"rows":{"review":{"180402887066083379":"open 180402887066083344 180402887066083344.3d929cc22020bd71","180402887066083381":"open 180402887066083344 180402887066083344.964b0c0600d830cf","180402887066083353":"stale 180402887066083344 180402887066083351.23d2c87d36cc87ff","180402887066083358":"stale 180402887066083344 180402887066083356.7e7d64083c0d43d9"}}}');
INSERT INTO "audit" VALUES(180402887066083382,'6990bb5ee3584b52bb0fc6f613207335',41,1790090000000,'identity.review','review','','gateway','prf_0280eb7850076010','rev_0280eb7850076035','','resplit:generic','{"cause":"generic","records":["rec_0280eb7850076015"]}',X'067B1E73DE4954DE422FF50BE04F89D4D483A3E6B627C33869A7CCA73C0585FA','');
INSERT INTO "audit" VALUES(180402887066083383,'6990bb5ee3584b52bb0fc6f613207335',42,1790090000000,'identity.regrouped','ok','','gateway','','','','generic','{"asked":2,"looked":4,"merged":0,"points":0,"scope":"value","skipped":0,"split":0,"type":"mobile"}',X'B5AAB5C8085F3AB53B265A611550281FE2F251F3D4240C3EAC1995669DBD5026','');
INSERT INTO "audit" VALUES(180410436813283328,'6990bb5ee3584b52bb0fc6f613207335',43,1790093600000,'state.bound','ok','','gateway','','schema_41','','','{"step":41,"table":"profile","rows":12,"first":true,"last":true}',X'BDA859AC45ED233CDB1E7E9C77F86F04F430BB7BD19158934ED3A58B68DFCF45','{"rows":{"profile":{"180214143387420676":"180214143387420677.f96533508965e206","180214143387420683":"180214143387420684.3aef3058b9f0c6f1","180214143387420687":"180214143387420688.f5cc337197045173","180395337318883328":"180395337318883329.2a81d6d451bc18b4","180395337318883335":"180395337318883336.a2a8b35a67e02b4e","180395337318883339":"180395337318883340.29c049087434dbfd","180395337318883343":"180395337318883344.edcfbdb4a62ed1cc","180402887066083344":"180402887066083345.96e311475ea0bc31","180402887066083351":"180402887066083352.29ce88177dfb56fb","180402887066083356":"180402887066083357.45996cc0d9ca3128","180402887066083361":"180402887066083362.e4c5be28789586b6","180402887066083368":"180402887066083369.e4b5078107a34e87"}}}');
INSERT INTO "audit" VALUES(180410436813283329,'6990bb5ee3584b52bb0fc6f613207335',44,1790093600000,'state.bound','ok','','gateway','','schema_41','','','{"step":41,"table":"merge","rows":3,"first":true,"last":true}',X'1C25B37859892FA81956A6A9629CD5CAD03A64E7FFB8CAB02B933C66D1EA9278','{"rows":{"merge":{"180221693134620674":"84da4dc97da9fe93","180402887066083335":"dd30e2331e438702","180402887066083339":"9a632e69699bc8b8"}}}');
INSERT INTO "audit" VALUES(180410436813283330,'6990bb5ee3584b52bb0fc6f613207335',45,1790093600000,'state.bound','ok','','gateway','','schema_41','','','{"step":41,"table":"merge_undone","rows":1,"first":true,"last":true}',X'1F4210E4AEA139EDD463863433CFA2AC413418E229359752192ACF0430DBC404','{"rows":{"merge_undone":{"180402887066083339":"cf5aca4e7b3952e2"}}}');
INSERT INTO "audit" VALUES(180410436813283331,'6990bb5ee3584b52bb0fc6f613207335',46,1790093600000,'state.bound','ok','','gateway','','schema_41','','','{"step":41,"table":"review","rows":4,"first":true,"last":true}',X'29D34D2F11DDA5F6123B473A965B0F7076ED3D5264AAF20691287BA9D956B3F4','{"rows":{"review":{"180402887066083353":"stale 180402887066083344 180402887066083351.23d2c87d36cc87ff","180402887066083358":"stale 180402887066083344 180402887066083356.7e7d64083c0d43d9","180402887066083379":"open 180402887066083344 180402887066083344.3d929cc22020bd71","180402887066083381":"open 180402887066083344 180402887066083344.964b0c0600d830cf"}}}');
INSERT INTO "audit" VALUES(180410436813283332,'6990bb5ee3584b52bb0fc6f613207335',47,1790093600000,'state.bound','ok','','gateway','','schema_41','','','{"step":41,"table":"coupon","rows":0,"first":true,"last":true}',X'3559C1EC8628B5D2941C7EBB4BCD397C691986359D6CE5F7882AEF9553A61BB7','{"rows":{"coupon":{}}}');
INSERT INTO "audit" VALUES(180410436813283335,'6990bb5ee3584b52bb0fc6f613207335',48,1790093600000,'identity.created','created','desk','channel:desk','prf_0280f25620076005','rec_0280f25620076006','req','new','{"absorbed":[],"decision":"created","evidence":[{"hmac":"b5207969941594d4f0deea2dcf81c732","mask":"r***@e***.com","reason":"","status":"ok","type":"email"},{"hmac":"f71f69b4efb0eaf52df5d307340cc97f","mask":"***00","reason":"","status":"ok","type":"mobile"}],"id_space":"desk","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[]}',X'C0DFCF8C0270029235B36C0253792CF028E5D381ABDBE43E97260F0820F7E76D','{"rows":{"record":{"180410436813283334":"8c0689aa9953d926"},"profile":{"180410436813283333":"180410436813283334.4139f1bb5e986e22"}}}');
INSERT INTO "audit" VALUES(180410436813283337,'6990bb5ee3584b52bb0fc6f613207335',49,1790093600000,'identity.attached','attached','desk','channel:desk','prf_0280f25620076005','rec_0280f25620076008','req','rule:mobile','{"absorbed":[],"decision":"attached","evidence":[{"hmac":"ca1aaaece2ff8dc3370d4025b40230a1","mask":"r***@e***.com","reason":"","status":"ok","type":"email"},{"hmac":"f71f69b4efb0eaf52df5d307340cc97f","mask":"***00","reason":"","status":"ok","type":"mobile"}],"id_space":"desk","rule":"mobile","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[["rule:mobile","prf_0280f25620076005","merge","mobile"]]}',X'3BDB9915696496226A1075E8B05AAE75A36F92B038D73AD346B4DDE4BB81E63C','{"rows":{"record":{"180410436813283336":"5853785337c84cc4"}}}');
INSERT INTO "audit" VALUES(180410436813283339,'6990bb5ee3584b52bb0fc6f613207335',50,1790093600000,'identity.attached','attached','desk','channel:desk','prf_0280f25620076005','rec_0280f2562007600a','req','rule:mobile','{"absorbed":[],"decision":"attached","evidence":[{"hmac":"ad02c1b48571bb4cc87e2a759642938b","mask":"r***@e***.com","reason":"","status":"ok","type":"email"},{"hmac":"f71f69b4efb0eaf52df5d307340cc97f","mask":"***00","reason":"","status":"ok","type":"mobile"}],"id_space":"desk","rule":"mobile","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[["rule:mobile","prf_0280f25620076005","merge","mobile"]]}',X'D8FDB3E6A6C87C4B397069F7E918A7C654DB2E491C0C7F3EA373802E67399551','{"rows":{"record":{"180410436813283338":"040e8b839ad32e22"}}}');
INSERT INTO "audit" VALUES(180410436813283343,'6990bb5ee3584b52bb0fc6f613207335',51,1790093600000,'identity.review','review','desk','channel:desk','prf_0280f2562007600c','rec_0280f2562007600d','req','conflict:ids_per_profile:desk','{"absorbed":[],"decision":"review","evidence":[{"hmac":"00ebce6c7bbf11643e52cd84ab15e801","mask":"r***@e***.com","reason":"","status":"ok","type":"email"},{"hmac":"f71f69b4efb0eaf52df5d307340cc97f","mask":"***00","reason":"","status":"ok","type":"mobile"}],"id_space":"desk","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[["rule:mobile","prf_0280f25620076005","merge","mobile"],["guard:ids_per_profile:desk","","review","4>3"],["policy:review","","stopped","ids_per_profile:desk"]]}',X'3045E2556F003C81C1287784DAFB49CBA82567FB613332B9025790EA0DCE20EF','{"rows":{"record":{"180410436813283341":"297d606a2dcd49de"},"review":{"180410436813283342":"open 180410436813283333 180410436813283340.36c953a4b1f29400"},"profile":{"180410436813283340":"180410436813283341.15bc3c0c777d0d9a"}}}');
INSERT INTO "audit" VALUES(180410436813283348,'6990bb5ee3584b52bb0fc6f613207335',52,1790093600000,'identity.review','review','desk','channel:desk','prf_0280f25620076011','rec_0280f25620076012','req','conflict:ids_per_profile:desk','{"absorbed":[],"decision":"review","evidence":[{"hmac":"95db5c77114833769efbeeec7cced530","mask":"r***@e***.com","reason":"","status":"ok","type":"email"},{"hmac":"f71f69b4efb0eaf52df5d307340cc97f","mask":"***00","reason":"","status":"ok","type":"mobile"}],"id_space":"desk","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[["rule:mobile","prf_0280f25620076005","merge","mobile"],["guard:ids_per_profile:desk","","review","4>3"],["policy:review","","stopped","ids_per_profile:desk"]]}',X'012D955DC7C69450BF7C2332C650F40B290AAC3B1537B39DEB266F1C1D81DD6D','{"rows":{"record":{"180410436813283346":"f860e3d7a707cc03"},"review":{"180410436813283347":"open 180410436813283333 180410436813283345.d318e621e6d2bb02"},"profile":{"180410436813283345":"180410436813283346.e0612f92d9eb3056"}}}');
INSERT INTO "audit" VALUES(180410436813283352,'6990bb5ee3584b52bb0fc6f613207335',53,1790093600000,'identifier.generic','ok','desk','channel:desk','prf_0280f25620076016','','req','fanout_limit','{"hmac":"f71f69b4efb0eaf52df5d307340cc97f","mask":"***00","source":"backend","type":"mobile"}',X'9A6BAD17FD53AAE7967D3B3C27A8793DE208083FECD13798ACA7EF11E4A6F775','{"rows":{"record":{"180410436813283351":"de286b2e59218e7e"},"profile":{"180410436813283350":"180410436813283351.e0349a202d264f2f"}}}');
INSERT INTO "audit" VALUES(180410436813283354,'6990bb5ee3584b52bb0fc6f613207335',54,1790093600000,'identity.created','created','desk','channel:desk','prf_0280f25620076016','rec_0280f25620076017','req','new','{"absorbed":[],"decision":"created","evidence":[{"hmac":"3f08b7b5412f2701d6613f0a9f7f69ea","mask":"r***@e***.com","reason":"","status":"ok","type":"email"},{"hmac":"f71f69b4efb0eaf52df5d307340cc97f","mask":"***00","reason":"","status":"ok","type":"mobile"}],"id_space":"desk","rule":"","rule_set":"e0cbd1301e8b74f9","source":"backend","trace":[["key:mobile","","generic",""]]}',X'25D8985FC868CCB465BE4CF27C830D18E3553AA76ADCCDF404FC8915CD5C49B4','');
INSERT INTO "audit" VALUES(180410436813283356,'6990bb5ee3584b52bb0fc6f613207335',55,1790093600000,'achievement.accepted','ok','web','channel:web','prf_0280e49a8007600b','ach_0280f2562007601b','req','','{"campaign":11664,"source":"backend"}',X'935AC40870079913DE7085DCD55639C44AFD0F76C75EDD83E0C97670975C6838','');
CREATE TABLE audit_checkpoint (checkpoint_id INTEGER PRIMARY KEY, at INTEGER NOT NULL, heads TEXT NOT NULL, signature BLOB NOT NULL) STRICT;
INSERT INTO "audit_checkpoint" VALUES(1,1790000000000,'{"version":2,"begins":["aeb5c81f9df8491d89879ab8b3a46289"],"open":{"aeb5c81f9df8491d89879ab8b3a46289":[0,"",1790000000000]},"ends":{},"ended":0,"digest":"","segments":0,"archived":""}',X'A53276C4E21ED22DEE1D3E1BF9A209897FE229EB511E294F0811BF166C75BAB0');
INSERT INTO "audit_checkpoint" VALUES(2,1790000000000,'{"version":2,"begins":[],"open":{"aeb5c81f9df8491d89879ab8b3a46289":[2,"83be1c6c0d5c5220e2abf2b015e7bc3b44d2deb75bff0d9cf7d425d4f2afe894",1790000000000]},"ends":{},"ended":0,"digest":"","segments":0,"archived":""}',X'B9005AB8DA0D37D4DBB61259DA65771C6532C846DE1F068F277B4B3F345EEBF4');
INSERT INTO "audit_checkpoint" VALUES(3,1790003600000,'{"version":2,"begins":[],"open":{"aeb5c81f9df8491d89879ab8b3a46289":[12,"db5082c36780935b454359184fee0dc21977b2b7feaa75d5689b72a1b3813459",1790003600000]},"ends":{},"ended":0,"digest":"","segments":0,"archived":""}',X'C8EB783A4CD2752E43F0538685CDE606E6620EBC6A16DE0686278C1BF0562BB9');
INSERT INTO "audit_checkpoint" VALUES(4,1790007200000,'{"version":2,"begins":[],"open":{"aeb5c81f9df8491d89879ab8b3a46289":[15,"cfb9a0eae54dd8de256039abe0680b72692e311b7696fd504198fb8526239d8e",1790007200000]},"ends":{},"ended":0,"digest":"","segments":0,"archived":""}',X'7069DCD78941C0A0238D9AFD0C103010FEB4F0831E75780ACE109ED424EC0D9C');
INSERT INTO "audit_checkpoint" VALUES(5,1790007200000,'{"version":2,"begins":[],"open":{},"ends":{"aeb5c81f9df8491d89879ab8b3a46289":[15,"cfb9a0eae54dd8de256039abe0680b72692e311b7696fd504198fb8526239d8e",15]},"ended":1,"digest":"e36eda01d1cabac055fce9aac5474ac8a667782590cce762a1f784471922b5e4","segments":0,"archived":""}',X'A3742AEB04F14C870F9BAFA17AD568C07C05EFC71BFB04E754E988ADE9D294B7');
INSERT INTO "audit_checkpoint" VALUES(6,1790086400000,'{"version":2,"begins":["6990bb5ee3584b52bb0fc6f613207335"],"open":{"6990bb5ee3584b52bb0fc6f613207335":[0,"",1790086400000]},"ends":{},"ended":1,"digest":"e36eda01d1cabac055fce9aac5474ac8a667782590cce762a1f784471922b5e4","segments":0,"archived":""}',X'A363DE2107242649F159E2C388545096AAC59CA07ADDB1727EA35599C64A06BC');
INSERT INTO "audit_checkpoint" VALUES(7,1790086400000,'{"version":2,"begins":[],"open":{"6990bb5ee3584b52bb0fc6f613207335":[2,"e0386b52755b0191eae65ce8cd14093e60afdd05874d15eb8727f3d6ce872d61",1790086400000]},"ends":{},"ended":1,"digest":"e36eda01d1cabac055fce9aac5474ac8a667782590cce762a1f784471922b5e4","segments":0,"archived":""}',X'85AF7C5C41DE01BE4321DD87B34A0708B7FFFFB617FF6C8D731973191542420D');
INSERT INTO "audit_checkpoint" VALUES(8,1790090000000,'{"version":2,"begins":[],"open":{"6990bb5ee3584b52bb0fc6f613207335":[16,"dcffc4cd8a0d9630101f5ac91b6388f46fe8f2f7ef9b611cdd16a7e8c7a4e810",1790090000000]},"ends":{},"ended":1,"digest":"e36eda01d1cabac055fce9aac5474ac8a667782590cce762a1f784471922b5e4","segments":0,"archived":""}',X'614568D676D12A42528B6B0AEB407ABFF06C5112964A61BB6B2D9F5981959BB8');
INSERT INTO "audit_checkpoint" VALUES(9,1790093600000,'{"version":2,"begins":[],"open":{"6990bb5ee3584b52bb0fc6f613207335":[42,"b5aab5c8085f3ab53b265a611550281fe2f251f3d4240c3eac1995669dbd5026",1790093600000]},"ends":{},"ended":1,"digest":"e36eda01d1cabac055fce9aac5474ac8a667782590cce762a1f784471922b5e4","segments":0,"archived":""}',X'832CDE03BECEF23A8F6494C781EAF2B2DDC74548B9B5154DEDA056EFF4BA3C19');
INSERT INTO "audit_checkpoint" VALUES(10,1790093780000,'{"version":2,"begins":[],"open":{"6990bb5ee3584b52bb0fc6f613207335":[55,"935ac40870079913de7085dcd55639c44afd0f76c75edd83e0c97670975c6838",1790093780000]},"ends":{},"ended":1,"digest":"e36eda01d1cabac055fce9aac5474ac8a667782590cce762a1f784471922b5e4","segments":0,"archived":""}',X'183B1B691BF0F16053FD995ADE858333180342D8FD34B7945AA00DF935F7CFD0');
INSERT INTO "audit_checkpoint" VALUES(11,1790093780000,'{"version":2,"begins":[],"open":{},"ends":{"6990bb5ee3584b52bb0fc6f613207335":[55,"935ac40870079913de7085dcd55639c44afd0f76c75edd83e0c97670975c6838",55]},"ended":2,"digest":"a14d14da22dd0276db0ee392734e45b87f81136446856ea810b90f8b3ccebc57","segments":0,"archived":""}',X'8CBE34F6AAE6B49EA6E9B103F041EA915774D0E07D85296B94A7DE6EB1362494');
CREATE TABLE audit_cut (segment INTEGER PRIMARY KEY, event_id INTEGER NOT NULL, header TEXT NOT NULL) STRICT;
CREATE TABLE audit_words (event_id INTEGER PRIMARY KEY, words TEXT NOT NULL) STRICT;
INSERT INTO "audit_words" VALUES(180214143387420679,'{"changed":["displayName"]}');
INSERT INTO "audit_words" VALUES(180214143387420682,'{"changed":["displayName"]}');
INSERT INTO "audit_words" VALUES(180214143387420686,'{"changed":["displayName"]}');
INSERT INTO "audit_words" VALUES(180214143387420690,'{"changed":["displayName"]}');
INSERT INTO "audit_words" VALUES(180221693134620675,'{"note":"same person"}');
INSERT INTO "audit_words" VALUES(180221693134620676,'{"note":"same person"}');
INSERT INTO "audit_words" VALUES(180395337318883331,'{"changed":["displayName"]}');
INSERT INTO "audit_words" VALUES(180395337318883334,'{"changed":["displayName"]}');
INSERT INTO "audit_words" VALUES(180395337318883338,'{"changed":["displayName"]}');
INSERT INTO "audit_words" VALUES(180395337318883342,'{"changed":["displayName"]}');
INSERT INTO "audit_words" VALUES(180395337318883346,'{"changed":["displayName"]}');
INSERT INTO "audit_words" VALUES(180395337318883351,'{"tags":["early","vip"]}');
INSERT INTO "audit_words" VALUES(180395337318883352,'{"attributes":["city"]}');
INSERT INTO "audit_words" VALUES(180402887066083334,'{"note":"twins"}');
INSERT INTO "audit_words" VALUES(180402887066083336,'{"note":"same person"}');
INSERT INTO "audit_words" VALUES(180402887066083337,'{"note":"same person"}');
INSERT INTO "audit_words" VALUES(180402887066083340,'{"note":"same person"}');
INSERT INTO "audit_words" VALUES(180402887066083341,'{"note":"same person"}');
INSERT INTO "audit_words" VALUES(180402887066083343,'{"note":"wrong"}');
INSERT INTO "audit_words" VALUES(180402887066083372,'{"changed":["city"]}');
CREATE TABLE audit_words_of (record_id INTEGER NOT NULL, event_id INTEGER NOT NULL, PRIMARY KEY (record_id, event_id)) STRICT, WITHOUT ROWID;
INSERT INTO "audit_words_of" VALUES(180214143387420677,180214143387420679);
INSERT INTO "audit_words_of" VALUES(180214143387420680,180214143387420682);
INSERT INTO "audit_words_of" VALUES(180214143387420684,180214143387420686);
INSERT INTO "audit_words_of" VALUES(180214143387420684,180221693134620675);
INSERT INTO "audit_words_of" VALUES(180214143387420684,180221693134620676);
INSERT INTO "audit_words_of" VALUES(180214143387420688,180214143387420690);
INSERT INTO "audit_words_of" VALUES(180214143387420688,180221693134620675);
INSERT INTO "audit_words_of" VALUES(180214143387420688,180221693134620676);
INSERT INTO "audit_words_of" VALUES(180395337318883329,180395337318883331);
INSERT INTO "audit_words_of" VALUES(180395337318883329,180395337318883351);
INSERT INTO "audit_words_of" VALUES(180395337318883329,180395337318883352);
INSERT INTO "audit_words_of" VALUES(180395337318883329,180402887066083336);
INSERT INTO "audit_words_of" VALUES(180395337318883329,180402887066083337);
INSERT INTO "audit_words_of" VALUES(180395337318883332,180395337318883334);
INSERT INTO "audit_words_of" VALUES(180395337318883332,180395337318883351);
INSERT INTO "audit_words_of" VALUES(180395337318883332,180402887066083336);
INSERT INTO "audit_words_of" VALUES(180395337318883336,180395337318883338);
INSERT INTO "audit_words_of" VALUES(180395337318883336,180402887066083334);
INSERT INTO "audit_words_of" VALUES(180395337318883336,180402887066083336);
INSERT INTO "audit_words_of" VALUES(180395337318883336,180402887066083337);
INSERT INTO "audit_words_of" VALUES(180395337318883340,180395337318883342);
INSERT INTO "audit_words_of" VALUES(180395337318883340,180402887066083334);
INSERT INTO "audit_words_of" VALUES(180395337318883340,180402887066083340);
INSERT INTO "audit_words_of" VALUES(180395337318883340,180402887066083341);
INSERT INTO "audit_words_of" VALUES(180395337318883340,180402887066083343);
INSERT INTO "audit_words_of" VALUES(180395337318883344,180395337318883346);
INSERT INTO "audit_words_of" VALUES(180395337318883344,180402887066083340);
INSERT INTO "audit_words_of" VALUES(180395337318883344,180402887066083341);
INSERT INTO "audit_words_of" VALUES(180395337318883344,180402887066083343);
INSERT INTO "audit_words_of" VALUES(180395337318883344,180402887066083372);
CREATE TABLE boot (boot_id TEXT PRIMARY KEY, line INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "boot" VALUES('boot-1',123);
CREATE TABLE campaign_spend (campaign_id INTEGER PRIMARY KEY, points INTEGER NOT NULL) STRICT;
INSERT INTO "campaign_spend" VALUES(11666,10);
CREATE TABLE channel_key (key_id TEXT PRIMARY KEY, channel TEXT NOT NULL, api_hash BLOB NOT NULL, secret_hash BLOB NOT NULL, created_at INTEGER NOT NULL, created_by TEXT NOT NULL, revoked_at INTEGER) STRICT, WITHOUT ROWID;
INSERT INTO "channel_key" VALUES('key_1','web',X'6161616161616161616161616161616161616161616161616161616161616161',X'6262626262626262626262626262626262626262626262626262626262626262',1790000000000,'operator:ann',NULL);
CREATE TABLE claim (record_id INTEGER NOT NULL, type TEXT NOT NULL, value TEXT NOT NULL, source TEXT NOT NULL, claimed_at INTEGER NOT NULL, PRIMARY KEY (record_id, type, value)) STRICT, WITHOUT ROWID;
INSERT INTO "claim" VALUES(180395337318883329,'mobile','+201000000009','public',1790086400000);
CREATE TABLE claimed_attribute (record_id INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, source TEXT NOT NULL, claimed_at INTEGER NOT NULL, PRIMARY KEY (record_id, name)) STRICT, WITHOUT ROWID;
INSERT INTO "claimed_attribute" VALUES(180395337318883329,'city','"Cairo"','public',1790086400000);
CREATE TABLE dedup (profile_id INTEGER NOT NULL, campaign_id INTEGER NOT NULL, achievement_id INTEGER NOT NULL, accepted_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (profile_id, campaign_id)) STRICT, WITHOUT ROWID;
INSERT INTO "dedup" VALUES(180395337318883339,11664,180410436813283355,1790093600000,1790093900000);
CREATE TABLE delivery (delivery_id INTEGER PRIMARY KEY, target TEXT NOT NULL, lane INTEGER NOT NULL, kind TEXT NOT NULL, subject INTEGER NOT NULL, payload TEXT NOT NULL, state TEXT NOT NULL, created_at INTEGER NOT NULL, due_at INTEGER, expires_at INTEGER NOT NULL, owner TEXT NOT NULL, lease_until INTEGER NOT NULL, epoch INTEGER NOT NULL, attempts INTEGER NOT NULL, sent_at INTEGER, finished_at INTEGER, status INTEGER NOT NULL, reason TEXT NOT NULL, answer TEXT NOT NULL, request_id TEXT NOT NULL DEFAULT '', trace TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "delivery" VALUES(180402887066083338,'webhook:crm',180395337318883328,'event',180402887066083335,'{"type":"profile.merged","timestamp":"2026-09-22T15:13:20.000Z","data":{"merge":"mrg_0280eb7850076007","profile":"prf_0280e49a80076000","absorbed":"prf_0280e49a80076007","rule":"operator"}}','pending',1790090000000,1790090000000,1790349200000,'',0,0,0,NULL,NULL,0,'','','req-op','');
INSERT INTO "delivery" VALUES(180402887066083342,'webhook:crm',180395337318883339,'event',180402887066083339,'{"type":"profile.merged","timestamp":"2026-09-22T15:13:20.000Z","data":{"merge":"mrg_0280eb785007600b","profile":"prf_0280e49a8007600b","absorbed":"prf_0280e49a8007600f","rule":"operator"}}','pending',1790090000000,1790090000000,1790349200000,'',0,0,0,NULL,NULL,0,'','','req-op','');
INSERT INTO "delivery" VALUES(180402887066083355,'webhook:crm',180402887066083344,'event',180402887066083353,'{"type":"review.opened","timestamp":"2026-09-22T15:13:20.000Z","data":{"review":"rev_0280eb7850076019","profiles":["prf_0280eb7850076010","prf_0280eb7850076017"],"reason":"conflict:ids_per_profile:till"}}','pending',1790090000000,1790090000000,1790349200000,'',0,0,0,NULL,NULL,0,'','','req','');
INSERT INTO "delivery" VALUES(180402887066083360,'webhook:crm',180402887066083344,'event',180402887066083358,'{"type":"review.opened","timestamp":"2026-09-22T15:13:20.000Z","data":{"review":"rev_0280eb785007601e","profiles":["prf_0280eb7850076010","prf_0280eb785007601c"],"reason":"conflict:ids_per_profile:till"}}','pending',1790090000000,1790090000000,1790349200000,'',0,0,0,NULL,NULL,0,'','','req','');
INSERT INTO "delivery" VALUES(180402887066083384,'webhook:crm',180402887066083344,'event',180402887066083379,'{"type":"review.opened","timestamp":"2026-09-22T15:13:20.000Z","data":{"review":"rev_0280eb7850076033","profiles":["prf_0280eb7850076010","prf_0280eb7850076010"],"reason":"resplit:generic"}}','pending',1790090000000,1790090000000,1790349200000,'',0,0,0,NULL,NULL,0,'','','','');
INSERT INTO "delivery" VALUES(180402887066083385,'webhook:crm',180402887066083344,'event',180402887066083381,'{"type":"review.opened","timestamp":"2026-09-22T15:13:20.000Z","data":{"review":"rev_0280eb7850076035","profiles":["prf_0280eb7850076010","prf_0280eb7850076010"],"reason":"resplit:generic"}}','pending',1790090000000,1790090000000,1790349200000,'',0,0,0,NULL,NULL,0,'','','','');
INSERT INTO "delivery" VALUES(180410436813283344,'webhook:crm',180410436813283333,'event',180410436813283342,'{"type":"review.opened","timestamp":"2026-09-22T16:13:20.000Z","data":{"review":"rev_0280f2562007600e","profiles":["prf_0280f25620076005","prf_0280f2562007600c"],"reason":"conflict:ids_per_profile:desk"}}','pending',1790093600000,1790093600000,1790352800000,'',0,0,0,NULL,NULL,0,'','','req','');
INSERT INTO "delivery" VALUES(180410436813283349,'webhook:crm',180410436813283333,'event',180410436813283347,'{"type":"review.opened","timestamp":"2026-09-22T16:13:20.000Z","data":{"review":"rev_0280f25620076013","profiles":["prf_0280f25620076005","prf_0280f25620076011"],"reason":"conflict:ids_per_profile:desk"}}','pending',1790093600000,1790093600000,1790352800000,'',0,0,0,NULL,NULL,0,'','','req','');
CREATE TABLE erasure (erasure_id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL, records TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
INSERT INTO "erasure" VALUES(180402887066083377,180395337318883347,'[180395337318883348]',1790090000000);
CREATE TABLE idempotency (channel TEXT NOT NULL, route TEXT NOT NULL, key TEXT NOT NULL, fingerprint BLOB NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL, expires_at INTEGER NOT NULL, headers TEXT NOT NULL DEFAULT '', PRIMARY KEY (channel, route, key)) STRICT, WITHOUT ROWID;
INSERT INTO "idempotency" VALUES('web','/achievements','k1',X'6666666666666666666666666666666666666666666666666666666666666666',202,X'7B2278223A317D',1790345600000,'');
CREATE TABLE identifier_state (type TEXT NOT NULL, value TEXT NOT NULL, state TEXT NOT NULL, owner_id INTEGER, holders INTEGER, PRIMARY KEY (type, value)) STRICT, WITHOUT ROWID;
INSERT INTO "identifier_state" VALUES('mobile','+201000000100','generic',NULL,NULL);
INSERT INTO "identifier_state" VALUES('mobile','+201000000300','generic',NULL,NULL);
CREATE TABLE import_block (import_id TEXT PRIMARY KEY, block TEXT NOT NULL, ahead INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "import_block" VALUES('imp_01JZ','shuffled',1);
CREATE TABLE import_change (import_id TEXT NOT NULL, record_id INTEGER NOT NULL, change_id INTEGER NOT NULL, at INTEGER NOT NULL, created INTEGER NOT NULL, before TEXT NOT NULL, PRIMARY KEY (import_id, record_id, change_id)) STRICT, WITHOUT ROWID;
INSERT INTO "import_change" VALUES('imp_01JZ',180395337318883344,180402887066083373,1790090000000,0,'{"seen":[],"attributes":{"city":[null,"\"Giza\""]},"guest":null,"merges":[],"claims":[]}');
INSERT INTO "import_change" VALUES('imp_01JZ',180402887066083369,180402887066083371,1790090000000,1,'');
CREATE TABLE import_refusal (import_id TEXT NOT NULL, line INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (import_id, line)) STRICT, WITHOUT ROWID;
INSERT INTO "import_refusal" VALUES('imp_01JZ',2,'customerId:placeholder');
CREATE TABLE import_run (import_id TEXT PRIMARY KEY, channel TEXT NOT NULL, started_at INTEGER NOT NULL, next_line INTEGER NOT NULL, counts TEXT NOT NULL, unusable TEXT NOT NULL, finished_at INTEGER, undo_after INTEGER, undone_at INTEGER) STRICT, WITHOUT ROWID;
INSERT INTO "import_run" VALUES('imp_01JZ','pos',1790090000000,4,'{"attached":1,"created":1,"rejected":1}','{}',NULL,NULL,NULL);
CREATE TABLE import_warning (import_id TEXT NOT NULL, line INTEGER NOT NULL, identifier TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (import_id, line, identifier, reason)) STRICT, WITHOUT ROWID;
INSERT INTO "import_warning" VALUES('imp_01JZ',3,'mobile','invalid');
CREATE TABLE lease (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE ledger (record_id INTEGER NOT NULL, campaign_id INTEGER NOT NULL, entry_id INTEGER NOT NULL, kind TEXT NOT NULL, achievement_id INTEGER NOT NULL, points INTEGER NOT NULL, score INTEGER NOT NULL, coupon_code TEXT NOT NULL, entered_at INTEGER NOT NULL, PRIMARY KEY (record_id, campaign_id, achievement_id)) STRICT, WITHOUT ROWID;
INSERT INTO "ledger" VALUES(180214143387420677,11664,180221693134620672,'reward',180214143387420691,100,10,'',1790003600000);
INSERT INTO "ledger" VALUES(180395337318883329,11664,180402887066083328,'reward',180395337318883353,100,10,'',1790090000000);
INSERT INTO "ledger" VALUES(180395337318883336,11666,180402887066083330,'reward',180395337318883355,10,1,'',1790090000000);
CREATE TABLE lookup (field TEXT NOT NULL, value TEXT NOT NULL, row_id INTEGER NOT NULL, PRIMARY KEY (field, value, row_id)) STRICT, WITHOUT ROWID;
CREATE TABLE lookup_progress (source TEXT PRIMARY KEY, row_id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE merge (merge_id INTEGER PRIMARY KEY, survivor_id INTEGER NOT NULL, absorbed_id INTEGER NOT NULL, survivor_records TEXT NOT NULL, absorbed_records TEXT NOT NULL, rule TEXT NOT NULL, rule_set TEXT NOT NULL, actor TEXT NOT NULL, request_id TEXT NOT NULL, merged_at INTEGER NOT NULL, undone_at INTEGER) STRICT;
INSERT INTO "merge" VALUES(180221693134620674,180214143387420683,180214143387420687,'[180214143387420684]','[180214143387420688]','operator','e0cbd1301e8b74f951bbf0de58a2a21799b29b1243c9a11c8c2acf50bdb978bd','operator:ann','req-op',1790003600000,NULL);
INSERT INTO "merge" VALUES(180402887066083335,180395337318883328,180395337318883335,'[180395337318883329,180395337318883332]','[180395337318883336]','operator','e0cbd1301e8b74f951bbf0de58a2a21799b29b1243c9a11c8c2acf50bdb978bd','operator:ann','req-op',1790090000000,NULL);
INSERT INTO "merge" VALUES(180402887066083339,180395337318883339,180395337318883343,'[180395337318883340]','[180395337318883344]','operator','e0cbd1301e8b74f951bbf0de58a2a21799b29b1243c9a11c8c2acf50bdb978bd','operator:ann','req-op',1790090000000,1790090000000);
CREATE TABLE observation (record_id INTEGER NOT NULL, type TEXT NOT NULL, value TEXT NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, verified INTEGER NOT NULL, blocked INTEGER NOT NULL, retired INTEGER NOT NULL, owner_id INTEGER, source TEXT NOT NULL DEFAULT 'backend', PRIMARY KEY (record_id, type, value)) STRICT, WITHOUT ROWID;
INSERT INTO "observation" VALUES(180214143387420677,'email','ann@example.com',1790000000000,1790000000000,0,0,0,180214143387420676,'backend');
INSERT INTO "observation" VALUES(180214143387420680,'email','ann@example.com',1790000000000,1790000000000,0,0,0,180214143387420676,'backend');
INSERT INTO "observation" VALUES(180214143387420684,'email','bob@example.com',1790000000000,1790000000000,0,0,0,180214143387420683,'backend');
INSERT INTO "observation" VALUES(180214143387420688,'email','cid@example.com',1790000000000,1790000000000,0,0,0,180214143387420683,'backend');
INSERT INTO "observation" VALUES(180395337318883329,'email','dan@example.com',1790086400000,1790086400000,0,0,0,180395337318883328,'backend');
INSERT INTO "observation" VALUES(180395337318883332,'email','dan@example.com',1790086400000,1790086400000,0,0,0,180395337318883328,'backend');
INSERT INTO "observation" VALUES(180395337318883336,'email','eve@example.com',1790086400000,1790086400000,0,0,0,180395337318883328,'backend');
INSERT INTO "observation" VALUES(180395337318883340,'email','fay@example.com',1790086400000,1790086400000,0,0,0,180395337318883339,'backend');
INSERT INTO "observation" VALUES(180395337318883344,'email','gus@example.com',1790086400000,1790086400000,0,0,0,180395337318883343,'backend');
INSERT INTO "observation" VALUES(180402887066083345,'email','p0@example.com',1790090000000,1790090000000,0,0,0,180402887066083344,'backend');
INSERT INTO "observation" VALUES(180402887066083345,'mobile','+201000000100',1790090000000,1790090000000,0,0,0,NULL,'backend');
INSERT INTO "observation" VALUES(180402887066083347,'email','p1@example.com',1790090000000,1790090000000,0,0,0,180402887066083344,'backend');
INSERT INTO "observation" VALUES(180402887066083347,'mobile','+201000000100',1790090000000,1790090000000,0,0,0,NULL,'backend');
INSERT INTO "observation" VALUES(180402887066083349,'email','p2@example.com',1790090000000,1790090000000,0,0,0,180402887066083344,'backend');
INSERT INTO "observation" VALUES(180402887066083349,'mobile','+201000000100',1790090000000,1790090000000,0,0,0,NULL,'backend');
INSERT INTO "observation" VALUES(180402887066083352,'email','p3@example.com',1790090000000,1790090000000,0,0,0,180402887066083351,'backend');
INSERT INTO "observation" VALUES(180402887066083352,'mobile','+201000000100',1790090000000,1790090000000,0,0,0,NULL,'backend');
INSERT INTO "observation" VALUES(180402887066083357,'email','p4@example.com',1790090000000,1790090000000,0,0,0,180402887066083356,'backend');
INSERT INTO "observation" VALUES(180402887066083357,'mobile','+201000000100',1790090000000,1790090000000,0,0,0,NULL,'backend');
INSERT INTO "observation" VALUES(180402887066083362,'email','p5@example.com',1790090000000,1790090000000,0,0,0,180402887066083361,'backend');
INSERT INTO "observation" VALUES(180402887066083362,'mobile','+201000000100',1790090000000,1790090000000,0,0,0,NULL,'backend');
INSERT INTO "observation" VALUES(180402887066083369,'email','i1@example.com',1790090000000,1790090000000,0,0,0,180402887066083368,'backend');
INSERT INTO "observation" VALUES(180410436813283334,'email','r0@example.com',1790093600000,1790093600000,0,0,0,180410436813283333,'backend');
INSERT INTO "observation" VALUES(180410436813283334,'mobile','+201000000300',1790093600000,1790093600000,0,0,0,NULL,'backend');
INSERT INTO "observation" VALUES(180410436813283336,'email','r1@example.com',1790093600000,1790093600000,0,0,0,180410436813283333,'backend');
INSERT INTO "observation" VALUES(180410436813283336,'mobile','+201000000300',1790093600000,1790093600000,0,0,0,NULL,'backend');
INSERT INTO "observation" VALUES(180410436813283338,'email','r2@example.com',1790093600000,1790093600000,0,0,0,180410436813283333,'backend');
INSERT INTO "observation" VALUES(180410436813283338,'mobile','+201000000300',1790093600000,1790093600000,0,0,0,NULL,'backend');
INSERT INTO "observation" VALUES(180410436813283341,'email','r3@example.com',1790093600000,1790093600000,0,0,0,180410436813283340,'backend');
INSERT INTO "observation" VALUES(180410436813283341,'mobile','+201000000300',1790093600000,1790093600000,0,0,0,NULL,'backend');
INSERT INTO "observation" VALUES(180410436813283346,'email','r4@example.com',1790093600000,1790093600000,0,0,0,180410436813283345,'backend');
INSERT INTO "observation" VALUES(180410436813283346,'mobile','+201000000300',1790093600000,1790093600000,0,0,0,NULL,'backend');
INSERT INTO "observation" VALUES(180410436813283351,'email','r5@example.com',1790093600000,1790093600000,0,0,0,180410436813283350,'backend');
INSERT INTO "observation" VALUES(180410436813283351,'mobile','+201000000300',1790093600000,1790093600000,0,0,0,NULL,'backend');
CREATE TABLE own_list (name TEXT NOT NULL, value TEXT NOT NULL, added_at INTEGER NOT NULL, added_by TEXT NOT NULL, PRIMARY KEY (name, value)) STRICT, WITHOUT ROWID;
INSERT INTO "own_list" VALUES('shops','+201000000200',1790090000000,'operator:ann');
CREATE TABLE pin (record_a INTEGER NOT NULL, record_b INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, PRIMARY KEY (record_a, record_b)) STRICT, WITHOUT ROWID;
INSERT INTO "pin" VALUES(180214143387420684,180214143387420688,'must','operator:ann','same person',1790003600000,NULL);
INSERT INTO "pin" VALUES(180395337318883329,180395337318883336,'must','operator:ann','same person',1790090000000,NULL);
INSERT INTO "pin" VALUES(180395337318883336,180395337318883340,'cannot','operator:ann','twins',1790090000000,1824650000000);
INSERT INTO "pin" VALUES(180395337318883340,180395337318883344,'cannot','operator:ann','wrong',1790090000000,NULL);
CREATE TABLE platform_event (event_key TEXT PRIMARY KEY, topic TEXT NOT NULL, profile_id INTEGER, heard_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "platform_event" VALUES('ev-1','customer.updated',180395337318883347,1790090000000);
CREATE TABLE profile (profile_id INTEGER PRIMARY KEY, created_at INTEGER NOT NULL, changes INTEGER NOT NULL, redirect_to INTEGER, canonical_id TEXT NOT NULL, named_after INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "profile" VALUES(180214143387420676,1790000000000,0,NULL,'ann',180214143387420677);
INSERT INTO "profile" VALUES(180214143387420683,1790000000000,0,NULL,'bob',180214143387420684);
INSERT INTO "profile" VALUES(180214143387420687,1790000000000,2,180214143387420683,'cid',180214143387420688);
INSERT INTO "profile" VALUES(180395337318883328,1790086400000,0,NULL,'dan',180395337318883329);
INSERT INTO "profile" VALUES(180395337318883335,1790086400000,2,180395337318883328,'eve',180395337318883336);
INSERT INTO "profile" VALUES(180395337318883339,1790086400000,2,NULL,'fay',180395337318883340);
INSERT INTO "profile" VALUES(180395337318883343,1790086400000,2,NULL,'gus',180395337318883344);
INSERT INTO "profile" VALUES(180402887066083344,1790090000000,0,NULL,'0',180402887066083345);
INSERT INTO "profile" VALUES(180402887066083351,1790090000000,0,NULL,'3',180402887066083352);
INSERT INTO "profile" VALUES(180402887066083356,1790090000000,0,NULL,'4',180402887066083357);
INSERT INTO "profile" VALUES(180402887066083361,1790090000000,0,NULL,'5',180402887066083362);
INSERT INTO "profile" VALUES(180402887066083368,1790090000000,0,NULL,'i1',180402887066083369);
INSERT INTO "profile" VALUES(180410436813283333,1790093600000,0,NULL,'desk:0',180410436813283334);
INSERT INTO "profile" VALUES(180410436813283340,1790093600000,0,NULL,'desk:3',180410436813283341);
INSERT INTO "profile" VALUES(180410436813283345,1790093600000,0,NULL,'desk:4',180410436813283346);
INSERT INTO "profile" VALUES(180410436813283350,1790093600000,0,NULL,'desk:5',180410436813283351);
CREATE TABLE record (id_space TEXT NOT NULL, customer_id TEXT NOT NULL, record_id INTEGER NOT NULL, profile_id INTEGER NOT NULL, created_at INTEGER NOT NULL, active INTEGER NOT NULL, guest INTEGER NOT NULL, PRIMARY KEY (id_space, customer_id)) STRICT, WITHOUT ROWID;
INSERT INTO "record" VALUES('web','ann',180214143387420677,180214143387420676,1790000000000,1,0);
INSERT INTO "record" VALUES('pos','ann',180214143387420680,180214143387420676,1790000000000,1,0);
INSERT INTO "record" VALUES('web','bob',180214143387420684,180214143387420683,1790000000000,1,0);
INSERT INTO "record" VALUES('web','cid',180214143387420688,180214143387420683,1790000000000,1,0);
INSERT INTO "record" VALUES('web','dan',180395337318883329,180395337318883328,1790086400000,1,0);
INSERT INTO "record" VALUES('pos','dan',180395337318883332,180395337318883328,1790086400000,1,0);
INSERT INTO "record" VALUES('web','eve',180395337318883336,180395337318883328,1790086400000,1,0);
INSERT INTO "record" VALUES('web','fay',180395337318883340,180395337318883339,1790086400000,1,0);
INSERT INTO "record" VALUES('pos','gus',180395337318883344,180395337318883343,1790086400000,1,0);
INSERT INTO "record" VALUES('till','0',180402887066083345,180402887066083344,1790090000000,1,0);
INSERT INTO "record" VALUES('till','1',180402887066083347,180402887066083344,1790090000000,1,0);
INSERT INTO "record" VALUES('till','2',180402887066083349,180402887066083344,1790090000000,1,0);
INSERT INTO "record" VALUES('till','3',180402887066083352,180402887066083351,1790090000000,1,0);
INSERT INTO "record" VALUES('till','4',180402887066083357,180402887066083356,1790090000000,1,0);
INSERT INTO "record" VALUES('till','5',180402887066083362,180402887066083361,1790090000000,1,0);
INSERT INTO "record" VALUES('pos','i1',180402887066083369,180402887066083368,1790090000000,1,0);
INSERT INTO "record" VALUES('desk','0',180410436813283334,180410436813283333,1790093600000,1,0);
INSERT INTO "record" VALUES('desk','1',180410436813283336,180410436813283333,1790093600000,1,0);
INSERT INTO "record" VALUES('desk','2',180410436813283338,180410436813283333,1790093600000,1,0);
INSERT INTO "record" VALUES('desk','3',180410436813283341,180410436813283340,1790093600000,1,0);
INSERT INTO "record" VALUES('desk','4',180410436813283346,180410436813283345,1790093600000,1,0);
INSERT INTO "record" VALUES('desk','5',180410436813283351,180410436813283350,1790093600000,1,0);
CREATE TABLE regrouping (regrouping_id INTEGER PRIMARY KEY, scope TEXT NOT NULL, cause TEXT NOT NULL, rule_set TEXT NOT NULL, type TEXT NOT NULL, value TEXT NOT NULL, profile_id INTEGER NOT NULL, started_at INTEGER NOT NULL, cursor INTEGER NOT NULL, total INTEGER NOT NULL, looked INTEGER NOT NULL, merged INTEGER NOT NULL, split INTEGER NOT NULL, asked INTEGER NOT NULL, points INTEGER NOT NULL, skipped INTEGER NOT NULL, held_by TEXT NOT NULL, held_until INTEGER NOT NULL, finished_at INTEGER) STRICT;
INSERT INTO "regrouping" VALUES(180410436813283353,'value','generic','','mobile','+201000000300',0,1790093600000,0,0,0,0,0,0,0,0,'',0,NULL);
CREATE TABLE review (review_id INTEGER PRIMARY KEY, profile_a INTEGER NOT NULL, profile_b INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, rule TEXT NOT NULL, types TEXT NOT NULL, opened_at INTEGER NOT NULL, closed_at INTEGER, closed_by TEXT NOT NULL, records TEXT NOT NULL, evidence TEXT NOT NULL) STRICT;
INSERT INTO "review" VALUES(180402887066083353,180402887066083344,180402887066083351,'stale','conflict:ids_per_profile:till','mobile','["mobile"]',1790090000000,1790090000000,'regroup:generic','[]','["mobile","rule:mobile"]');
INSERT INTO "review" VALUES(180402887066083358,180402887066083344,180402887066083356,'stale','conflict:ids_per_profile:till','mobile','["mobile"]',1790090000000,1790090000000,'regroup:generic','[]','["mobile","rule:mobile"]');
INSERT INTO "review" VALUES(180402887066083379,180402887066083344,180402887066083344,'open','resplit:generic','','["mobile"]',1790090000000,NULL,'','[180402887066083347]','[]');
INSERT INTO "review" VALUES(180402887066083381,180402887066083344,180402887066083344,'open','resplit:generic','','["mobile"]',1790090000000,NULL,'','[180402887066083349]','[]');
INSERT INTO "review" VALUES(180410436813283342,180410436813283333,180410436813283340,'open','conflict:ids_per_profile:desk','mobile','["mobile"]',1790093600000,NULL,'','[]','["mobile","rule:mobile"]');
INSERT INTO "review" VALUES(180410436813283347,180410436813283333,180410436813283345,'open','conflict:ids_per_profile:desk','mobile','["mobile"]',1790093600000,NULL,'','[]','["mobile","rule:mobile"]');
CREATE TABLE rule_activation (activation_id INTEGER PRIMARY KEY, version TEXT NOT NULL, actor TEXT NOT NULL, activated_at INTEGER NOT NULL) STRICT;
INSERT INTO "rule_activation" VALUES(180214143387420673,'preset-email-or-mobile-1','operator',1790000000000);
CREATE TABLE rule_plan (sha256 TEXT PRIMARY KEY, planned_at INTEGER NOT NULL, planned_by TEXT NOT NULL, summary TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "rule_plan" VALUES('0000000000000000000000000000000000000000000000000000000000000000',1790090000000,'operator:ann','{}');
CREATE TABLE rule_set (version TEXT PRIMARY KEY, sha256 TEXT NOT NULL, text TEXT NOT NULL, author TEXT NOT NULL, stored_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "rule_set" VALUES('preset-email-or-mobile-1','e0cbd1301e8b74f951bbf0de58a2a21799b29b1243c9a11c8c2acf50bdb978bd','# Preset "email-or-mobile", the default: either key joins, and the weaker one asks a person when the stronger one disagrees.
# Take it when some channels know the number, some the address and some both: the web shop and the till.
# A key that is absent here has its default; docs/reference/rules.md lists them all.

[rules]
schema = 1
version = "preset-email-or-mobile-1"

[identifier.mobile]
kind = "phone"
strength = 80                   # above the address: a number is harder to invent and easier to prove
max_per_profile = 3             # people change or double their number; more than three is somebody else''s
fanout_limit = 5                # a number on more than five records is the shop''s own, and loses its power

[identifier.email]
kind = "email"
strength = 70
max_per_profile = 5             # people keep a few addresses; more is a till that types its own
fanout_limit = 5                # an address on more than five records is a counter''s or a family''s, and loses its power

[blocked]
# What forms, tills and exports write when there is no value.
exact = ["", "null", "none", "undefined", "anonymous", "guest", "nan", "-1", "n/a", "test"]
# Nothing but zeros and dashes; one digit seven times or more; the digits in their order on the keypad.
patterns = [''^[0-]*$'', ''^(\d)\1{6,}$'', ''^(0?1234567|9876543)'']
emails = ["test@test.com", "a@a.com", "noreply@*"]  # typed to get past a form, or a machine''s own address
phones = ["own:stores"]         # the shops'' own numbers, kept as a list in the database

[[rule]]
name = "mobile-and-email"
all_of = ["mobile", "email"]
outcome = "merge"

[[rule]]
name = "mobile"
all_of = ["mobile"]
outcome = "merge"

[[rule]]
name = "email"
all_of = ["email"]
outcome = "merge"
unless_differs = ["mobile"]     # one address and two numbers may be a couple: a person decides
','operator',1790000000000);
CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT;
INSERT INTO "schema_version" VALUES(1,'initial','06753c6fa1d2d944d479d710a4bbfe2b837d8c1e8c6e629982094f95056a91cd',1790000000000);
INSERT INTO "schema_version" VALUES(2,'imports','ad0a43b959347629286c185e1cecc01a9cd75c7c3b4be77519760995d3848856',1790000000000);
INSERT INTO "schema_version" VALUES(3,'rule_plan','67d660b5f86bf5524c66ab4f8f590faaf4e7f30d7ab8a41519fda418d7330ea6',1790000000000);
INSERT INTO "schema_version" VALUES(4,'delivery','f7000b989a2818aff999eb19a9203c3240ad6931f607656bc9e7920e3a3df09f',1790000000000);
INSERT INTO "schema_version" VALUES(6,'webhook','34b46db352d62161ace6548e65777e9bd0ccee4af60c354c66b2e9c64bb18b4e',1790000000000);
INSERT INTO "schema_version" VALUES(7,'regroup','3ebe3dc626425518b4265205377245ea60ae6c9daa91f3331d36b42a3baeebef',1790000000000);
INSERT INTO "schema_version" VALUES(8,'lease','7a2ee20478837010bf5ac5f8740a3d543bb0624fb51f5b2a69faae1308056b55',1790000000000);
INSERT INTO "schema_version" VALUES(9,'unanswered','bdf3dc0ce12e998c9139b0d1ea445a61b7603ae06879fd3ac3dd596363a05fd5',1790000000000);
INSERT INTO "schema_version" VALUES(10,'live_profiles','eaf421e366a0cafe6881b72a8617af64d22e7707ad38a0396159f8e51914cd15',1790000000000);
INSERT INTO "schema_version" VALUES(11,'pin_end','1e1f02950348eccc9fb38c4c32381d4f4c910405e0169e147e0ba1e03e51969f',1790000000000);
INSERT INTO "schema_version" VALUES(12,'fewer_pages','53ac210ce05e72496151610b56dd1c3c44cf235111f56db9687fd2bf02cdca35',1790000000000);
INSERT INTO "schema_version" VALUES(13,'import_block','27336c68c90a6f5a11264a1fdee47f11e2d9f13d9b747735a7cc6dfa2e29e92e',1790000000000);
INSERT INTO "schema_version" VALUES(14,'named_after','3a3a67c399050b1f8562276368445868d6c01f6b2710f35f8250a0a099d7162e',1790000000000);
INSERT INTO "schema_version" VALUES(15,'import_warning','955a83d68d6d75e809d3704bff12d7e095444decbd0988d56d8c78a0697cbfe3',1790000000000);
INSERT INTO "schema_version" VALUES(16,'answer_headers','81e6c3cef3fe6bfdca85e6c76a3730a59e7e9aa3bfbec1e0124d1887c799cd83',1790000000000);
INSERT INTO "schema_version" VALUES(17,'trimmed_ids','53b962bd552a491b7f2058beb9ec60132004785dbeb036c4bd43c580db62fb8d',1790000000000);
INSERT INTO "schema_version" VALUES(18,'import_undo','816ef408c67ffba471f939d3827f1abd752d6646d855fdab78494d3e87fc7531',1790000000000);
INSERT INTO "schema_version" VALUES(19,'source','a482a5d22aaea19fce092e06e4a53e8abc7b9d87eea49b7538164168751388e2',1790000000000);
INSERT INTO "schema_version" VALUES(30,'answer_of','08af638ff98abae2eb970e0a926c60bad6265f21645c02f0e20fdc4db17dad1f',1790000000000);
INSERT INTO "schema_version" VALUES(31,'one_log','4cb1c6f8c0f5f42e6e571932c7da016bec221d4ef59e2654ccdc85662c624ee5',1790000000000);
INSERT INTO "schema_version" VALUES(32,'audit_words','1661106ac0bf3033b6d44ce67351d1a3d2c51a47acf03c4de1cbca9de25c758e',1790000000000);
INSERT INTO "schema_version" VALUES(33,'erasure','c5c74994f420a856ce5b7e6c3b7aec8b528c662b9bdea4668ee1779566cbee12',1790000000000);
INSERT INTO "schema_version" VALUES(40,'anchored','7a56de29115c3a0f70d6e8e3d5e3d6d5c8f1825d040918fb5e64b02108f1f7f8',1790000000000);
INSERT INTO "schema_version" VALUES(41,'bound_state','5034472791a329958ee8350992e092f93a67aae8dddd84a78a503b3b50c351de',1790086400000);
INSERT INTO "schema_version" VALUES(45,'audit_cut','da5c990c70dd1e79740d510f23d22e75860c333a74fe92d9ee07e70a80dbbea6',1790000000000);
INSERT INTO "schema_version" VALUES(50,'trace','921f28537379207fe567c2582cd1ee7443bc2ba00da0d5a23abc716a465189ec',1790000000000);
INSERT INTO "schema_version" VALUES(51,'erased_at_once','44d1238b7f06b2cbd280a16bf933a25d500584b481c09f66dd629a6bccd24db4',1790000000000);
INSERT INTO "schema_version" VALUES(52,'boot','b56ff7b799a72fde12cac23dcd9947eeb0c04a55046145607508781db9708b58',1790086400000);
CREATE TABLE state_binding (step INTEGER NOT NULL, name TEXT NOT NULL, place TEXT NOT NULL, is_done INTEGER NOT NULL, PRIMARY KEY (step, name)) STRICT, WITHOUT ROWID;
INSERT INTO "state_binding" VALUES(41,'coupon','[]',1);
INSERT INTO "state_binding" VALUES(41,'merge','[180402887066083339]',1);
INSERT INTO "state_binding" VALUES(41,'merge_undone','[180402887066083339]',1);
INSERT INTO "state_binding" VALUES(41,'profile','[180402887066083368]',1);
INSERT INTO "state_binding" VALUES(41,'review','[180402887066083381]',1);
CREATE TABLE tag (record_id INTEGER NOT NULL, tag TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (record_id, tag)) STRICT, WITHOUT ROWID;
INSERT INTO "tag" VALUES(180395337318883329,'early',1790086400000);
INSERT INTO "tag" VALUES(180395337318883329,'vip',1790086400000);
CREATE UNIQUE INDEX record_by_id ON record (record_id, profile_id);
CREATE UNIQUE INDEX profile_by_canonical_id ON profile (canonical_id);
CREATE INDEX profile_by_redirect ON profile (redirect_to) WHERE redirect_to IS NOT NULL;
CREATE INDEX pin_by_second ON pin (record_b, record_a);
CREATE INDEX merge_by_survivor ON merge (survivor_id, merge_id);
CREATE INDEX merge_by_absorbed ON merge (absorbed_id, merge_id);
CREATE UNIQUE INDEX review_of_pair ON review (profile_a, profile_b) WHERE profile_a < profile_b;
CREATE INDEX review_by_first ON review (profile_a, profile_b);
CREATE INDEX review_by_second ON review (profile_b, profile_a);
CREATE INDEX review_by_state ON review (state, review_id);
CREATE INDEX achievement_due ON achievement (due_at) WHERE state = 'accepted';
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);
CREATE INDEX delivery_open ON delivery (target, due_at, state) WHERE finished_at IS NULL;
CREATE INDEX delivery_in_order ON delivery (target, lane, delivery_id) WHERE finished_at IS NULL AND target <> 'upstream';
CREATE INDEX delivery_for_a_person ON delivery (state, delivery_id) WHERE state IN ('dead', 'held');
CREATE INDEX platform_event_by_age ON platform_event (heard_at);
CREATE INDEX regrouping_open ON regrouping (scope, regrouping_id) WHERE finished_at IS NULL;
CREATE INDEX achievement_unanswered ON achievement (achievement_id) WHERE state = 'queued' AND reason = 'direct';
CREATE INDEX pin_by_end ON pin (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX observation_of_key ON observation (type, value, record_id, owner_id);
CREATE INDEX record_of_profile ON record (profile_id, record_id, active, guest, created_at);
CREATE INDEX import_change_of_record ON import_change (record_id, change_id);
CREATE INDEX claim_of_key ON claim (type, value, record_id);
CREATE INDEX delivery_refused ON delivery (subject) WHERE answer <> '';
CREATE INDEX delivery_heard ON delivery (lane) WHERE finished_at IS NULL AND kind = 'platform';
CREATE INDEX regrouping_of_value ON regrouping (value) WHERE value <> '';
CREATE VIEW identifier_owner AS SELECT o.type, o.value, COALESCE(MAX(s.state), 'normal') AS state, MAX(CASE WHEN s.holders IS NULL THEN o.owner_id ELSE s.owner_id END) AS owner_id, COUNT(*) AS holders FROM observation AS o LEFT JOIN identifier_state AS s ON s.type = o.type AND s.value = o.value GROUP BY o.type, o.value;
COMMIT;
