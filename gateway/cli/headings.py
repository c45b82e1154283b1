"""The column headings that programs and people use for customers. A heading is compared by its letters and digits alone:
`E-Mail Address`, `email_address` and `EMAILADDRESS` are one.

The presets are the exports of six platforms. Where several columns could be one value, the first that is not empty in a row
counts, in the order given here.
"""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

_STRETCH = "ـ"


def heading_key(heading: str) -> str:
    """Without case, accents, blanks and punctuation. The Turkish letters i are one, because capitals do not tell them apart."""
    decomposed = unicodedata.normalize("NFKD", heading.casefold()).replace("ı", "i")
    return "".join(c for c in decomposed if c.isalnum() and c != _STRETCH)


def _keys(headings: str) -> tuple[str, ...]:
    """Splits a list of headings at its commas."""
    return tuple(dict.fromkeys(heading_key(one) for one in headings.split(",")))


CUSTOMER_ID, GUEST = "customer_id", "guest"
USUAL: Mapping[str, tuple[str, ...]] = {
    CUSTOMER_ID: _keys(
        "customer_id, customer number, customer no, customer nr, customer code, customer key, client id, client number,"
        " client code, Kundennummer, Kunden-Nr, Kundennr, KundenID, Kd-Nr, Debitorennummer, numéro client, numéro de client,"
        " n° client, id client, client n°, identifiant client, code client, id cliente, número de cliente, número cliente,"
        " nº cliente, código cliente, código de cliente, código do cliente, número do cliente,"
        " cliente id, codice cliente, numero cliente,"
        " ID klanta, klantnummer,"
        " klant-ID, klantcode, numer klienta, ID klienta, kundnummer, kundenummer, asiakasnumero, müşteri no, müşteri numarası,"
        " رقم العميل, معرف العميل, كود العميل, رقم الزبون, 客户编号, 客户ID, 顧客番号, 顧客ID, 고객번호,"
        " номер клиента, код клиента, ID клиента, cust id, cust no, cust nr, cust number, cust code,"
        " ügyfélszám, ügyfél azonosító, vevőkód, zákaznické číslo, číslo zákazníka, ID zákazníka, zákaznícke číslo,"
        " cod client, număr client, κωδικός πελάτη, αριθμός πελάτη, номер клієнта, код клієнта, клиентски номер,"
        " šifra kupca, broj kupca, מספר לקוח, קוד לקוח, شماره مشتری, کد مشتری, mã khách hàng, รหัสลูกค้า,"
        " ID pelanggan, nomor pelanggan, kode pelanggan, 客户号, 客户代码, 客戶編號, 客戶ID, 顧客コード, お客様番号,"
        " 고객 ID, 고객 번호"
    ),
    GUEST: _keys("guest, is guest, Gast, Gastkunde, invité, invitado, ospite"),
    "email": _keys(
        "email, e-mail address, email addr, mail, mail address, customer email, contact email, user email, primary email,"
        " account email, E-Mail-Adresse, Mailadresse, Mail-Adresse, courriel, adresse e-mail, adresse mail, adresse de messagerie,"
        " adresse électronique, correo electrónico, correo, dirección de correo electrónico, dirección de correo, email cliente,"
        " endereço de e-mail, indirizzo email, indirizzo e-mail, posta elettronica, e-mailadres, mailadres, adres e-mail,"
        " e-postadress, e-post, epost, e-posta, e-posta adresi, البريد الإلكتروني, البريد, بريد إلكتروني, عنوان البريد الإلكتروني,"
        " الإيميل,"
        " 邮箱, 电子邮件, メールアドレス, メール, 이메일, электронная почта, эл. почта, почта, имейл, електронна пошта,"
        " эл. адрес, e-mail cím, adresă de email, adresa de email, e-mailová adresa,"
        " διεύθυνση email, ηλεκτρονικό ταχυδρομείο, דוא״ל, אימייל, כתובת מייל, ایمیل, پست الکترونیکی, อีเมล, địa chỉ email,"
        " alamat email, surel, 電子郵件, 電郵, 邮件, 电子邮箱, 이메일 주소, メールアドレス1, billing email"
    ),
    "mobile": _keys(
        "mobile, mobile number, mobile no, mobile phone, mobile phone number, mobile phone no, customer mobile, gsm, gsm no,"
        " gsm number, whatsapp number, telefon mobil, număr mobil, mobilszám, mobiltelefonszám, mobilní telefon, mobilné číslo,"
        " mobilní číslo, mobilni telefon, κινητό, κινητό τηλέφωνο, мобільний, мобільний телефон, мобилен телефон, נייד,"
        " טלפון נייד, موبایل, تلفن همراه, شماره موبایل, di động, số di động, เบอร์มือถือ, no hp, nomor hp, nomor ponsel,"
        " 手機, 手機號碼, 行動電話, 移动电话, 携帯番号, 휴대폰 번호, cell, cell phone, cellphone number,"
        " cell number, msisdn, Handy, Handynummer, Handy-Nr, Mobilnummer, Mobilfunknummer, Mobiltelefon, Mobil, portable,"
        " téléphone portable, numéro de portable, téléphone mobile, numéro de mobile, móvil, teléfono móvil, número de móvil,"
        " celular, teléfono celular, número de celular, telemóvel, telefone celular, cellulare, numero di cellulare,"
        " telefono cellulare, mobiel, mobiel nummer, mobiele telefoon, telefon komórkowy, mobilnummer, mobiltelefonnummer,"
        " cep telefonu, الجوال, رقم الجوال, الموبايل, رقم الموبايل, موبايل, جوال, رقم المحمول, 手机,"
        " 手机号, 手机号码, 携帯電話, 携帯電話番号, 휴대폰, 휴대전화,"
        " мобильный, мобильный телефон, phone, phone number, phone no, telephone, telephone number, customer phone, tel, tel no,"
        " contact number, contact phone, primary phone, Telefon, Telefonnummer, Telefon-Nr, Tel-Nr, Rufnummer, téléphone,"
        " numéro de téléphone, n° de téléphone, teléfono, número de teléfono, nº de teléfono, telefone, número de telefone,"
        " telefono,"
        " numero di telefono, telefoon, telefoonnummer, numer telefonu, telefonnummer, telefon numarası, الهاتف, رقم الهاتف, هاتف,"
        " رقم التليفون, التليفون, تليفون, 电话, 电话号码, 電話番号, 전화번호, телефон, номер телефона, telefonszám,"
        " telefonní číslo, telefónne číslo, număr de telefon, τηλέφωνο, номер телефону,"
        " телефонен номер, broj telefona, טלפון, מספר טלפון, تلفن, شماره تلفن, số điện thoại, điện thoại, เบอร์โทรศัพท์, โทรศัพท์,"
        " nomor telepon, 電話, 電話號碼, 전화 번호, billing phone"
    ),
}
"""By target, the better heading first. Identifiers of other types are recognised only by the name of their type."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A platform's export. One of its `signs` identifies it: headings that appear together in no other export. If the file has
    a heading in `stops`, the export has no customer ids, and the text says what to export instead."""

    title: str
    signs: tuple[frozenset[str], ...]
    columns: Mapping[str, tuple[str, ...]]
    stops: Mapping[str, str] = field(default_factory=dict[str, str])


def _signs(*signs: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(_keys(sign)) for sign in signs)


def _columns(**columns: str) -> dict[str, tuple[str, ...]]:
    return {target: _keys(headings) for target, headings in columns.items()}


PRESETS: Mapping[str, Preset] = {
    "shopify": Preset(
        "Shopify",
        _signs(
            "Accepts Email Marketing, Total Spent",
            "Accepts Marketing, Total Spent",
            "Default Address Phone",
            "Default Address Zip",
            "Email Marketing: Status, Total Spent",
        ),
        _columns(
            customer_id="Customer ID, ID",
            email="Email",
            mobile="Phone, Default Address Phone",
            firstName="First Name",
            lastName="Last Name",
            city="Default Address City, City",
            country="Default Address Country Code, Country Code, Country",
            zip="Default Address Zip, Zip",
        ),
    ),
    "woocommerce": Preset(
        "WooCommerce",
        _signs(
            "billing_email, customer_id",
            "billing_email, user_login",
            "billing_email, user_email",
            "billing_email, ID",
            "billing_phone, user_login",
            "billing_phone, customer_id",
            "user_login, user_registered",
        ),
        _columns(
            customer_id="customer_id, customer_user, user_id, ID",
            email="email, user_email, customer_email, billing_email",
            mobile="phone, billing_phone, shipping_phone",
            firstName="first_name, billing_first_name",
            lastName="last_name, billing_last_name",
            displayName="display_name",
            city="billing_city",
            country="billing_country",
            zip="billing_postcode",
        ),
    ),
    "salesforce": Preset(
        "Salesforce",
        _signs(
            "Id, LastName, AccountId",
            "Id, LastName, MobilePhone",
            "Id, LastName, OwnerId",
            "Id, Email, MobilePhone",
            "Id, IsDeleted",
            "Id, MasterRecordId",
            "Id, MailingCity",
            "Id, PersonEmail",
            "Contact ID, Last Name, Account Name",
            "Contact ID, Last Name, Account ID",
            "Contact ID, Mailing City",
            "Contact ID, Last Name, Mobile",
        ),
        _columns(
            customer_id="Id, Contact ID, Lead ID",
            email="Email, PersonEmail",
            mobile="MobilePhone, Mobile, PersonMobilePhone, Phone, HomePhone, PersonHomePhone, OtherPhone",
            firstName="First Name",
            lastName="Last Name",
            dateOfBirth="Birthdate, PersonBirthdate, Date of Birth",
            city="Mailing City, PersonMailingCity",
            country="Mailing Country, MailingCountryCode, PersonMailingCountry",
            zip="Mailing Postal Code, Mailing Zip/Postal Code, PersonMailingPostalCode",
        ),
    ),
    "odoo": Preset(
        "Odoo",
        _signs(
            "External ID, Name",
            "External ID, Complete Name",
            "External ID, Display Name",
            "id, complete_name",
            "id, display_name",
            "id, name, company_type",
            "id, name, is_company",
            "id, name, country_id",
            "id, name, country_id/id",
            "id, name, parent_id",
            "id, name, parent_id/id",
            "id, name, category_id",
            "id, name, phone_sanitized",
            "id, name, phone, mobile, email",
        ),
        _columns(
            customer_id="id, External ID",
            email="email, email_normalized",
            mobile="mobile, phone, phone_sanitized, Phone/Mobile",
            displayName="name, display_name, complete_name",
            city="city",
            country="country_id, Country, country_id/id",
            zip="zip",
        ),
    ),
    "magento": Preset(
        "Magento",
        _signs(
            "entity_id, email",
            "entity_id, website_id",
            "ID, Customer Since",
            "ID, Confirmed email",
            "ID, Web Site, Group",
            "_website, _store, group_id",
            "_website, _email, _entity_id",
            "_website, _address_telephone",
        ),
        _columns(
            customer_id="entity_id, customer_id, ID",
            email="email",
            mobile="mobile, telephone, phone, billing_telephone, _address_telephone",
            firstName="firstname, billing_firstname",
            lastName="lastname, billing_lastname",
            displayName="Name",
            dateOfBirth="dob, Date of Birth",
            gender="gender",
            city="city, billing_city, _address_city",
            country="country, country_id, billing_country_id, _address_country_id",
            zip="zip, postcode, billing_postcode, _address_postcode",
        ),
        {
            heading_key(
                "_address_default_billing_"
            ): "its ids belong to addresses; export Customers › All Customers, which has the customers' own"
        },
    ),
    "hubspot": Preset(
        "HubSpot",
        _signs(
            "Record ID",
            "Record ID - Contact",
            "Contact ID, Contact owner",
            "Contact ID, Lead Status",
            "Contact ID, Lifecycle Stage",
            "hs_object_id",
        ),
        _columns(
            customer_id="Record ID, Record ID - Contact, hs_object_id, Contact ID, vid",
            email="Email",
            mobile="Mobile Phone Number, mobilephone, Phone Number, phone, WhatsApp Phone Number",
            firstName="First Name",
            lastName="Last Name",
            dateOfBirth="Date of birth",
            city="City",
            country="Country/Region, Country",
            zip="Postal Code, Zip",
        ),
    ),
}


def preset_of(names: Sequence[str]) -> str:
    """The platform whose export has these headings. If several match, the one with more matching headings; "" if none
    matches."""
    keys = {heading_key(name) for name in names}
    found = {name: _strength(preset, keys) for name, preset in PRESETS.items()}
    best = max(found, key=lambda name: found[name])
    return best if found[best] else ""


def _strength(preset: Preset, keys: Collection[str]) -> int:
    return max((len(sign) for sign in preset.signs if sign <= set(keys)), default=0)
